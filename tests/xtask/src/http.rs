//! A GET over loopback, for waiting until the daemon is up. HTTP/1.0, so that the answer comes in one piece.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Returns status and body of `http://127.0.0.1:<port><path>`.
///
/// # Errors
/// When nobody listens, nothing comes within two seconds, or the answer is not HTTP.
pub fn get(port: u16, path: &str) -> io::Result<(u16, String)> {
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    // In one piece: a server that answers after the first part would reset the connection over the rest.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, body.to_owned()))
}

/// Reads one sample of a Prometheus text page: the value of `name` with exactly this label set in it.
pub fn metric(page: &str, name: &str, label: Option<(&str, &str)>) -> Option<f64> {
    page.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (found, labels) = series.split_once('{').unwrap_or((series, ""));
        let wanted = label.is_none_or(|(key, text)| {
            labels.trim_end_matches('}').split(',').any(|pair| pair.trim() == format!("{key}=\"{text}\""))
        });
        if found == name && wanted { value.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_found_by_name_and_label() {
        let page = "# HELP xylem_pools Pools.\n# TYPE xylem_pools gauge\nxylem_pools{state=\"connecting\"} 0\n\
                    xylem_pools{state=\"connected\"} 2\nxylem_objects 173\nxylem_objects_total{kind=\"VM\",a=\"b\"} 4\n";
        for (name, label, value) in [
            ("xylem_pools", Some(("state", "connected")), Some(2.0)),
            ("xylem_pools", Some(("state", "connecting")), Some(0.0)),
            ("xylem_pools", Some(("state", "disconnected")), None),
            ("xylem_objects", None, Some(173.0)),
            ("xylem_objects_total", Some(("a", "b")), Some(4.0)),
            ("xylem", None, None),
        ] {
            assert_eq!(metric(page, name, label), value, "{name} {label:?}");
        }
    }

    #[test]
    fn an_answer_is_read_whole_and_a_closed_port_is_an_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = listener.local_addr().expect("bound").port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accept");
            let mut request = [0; 512];
            let read = stream.read(&mut request).expect("read");
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").expect("write");
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        assert_eq!(get(port, "/readyz").expect("an answer"), (200, "hello".to_owned()));
        assert!(server.join().expect("served").starts_with("GET /readyz HTTP/1.0\r\n"));
        assert!(get(port, "/readyz").is_err());
    }
}
