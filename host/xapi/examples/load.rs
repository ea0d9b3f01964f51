//! Measures a first load: `cargo run --release -p xapi --example load -- [json|xml] [megabytes] [whole]`.
//!
//! A host in this process makes up an answer to `event.from` of about that size while it sends it, so what the process
//! grows by is what reading costs. With `whole` the same bytes are instead read into one `serde_json::Value`, to compare
//! (JSON only).

use std::fmt::Write as _;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use xapi::{Event, EventStream, Target, Timeouts, Tls};

/// Fields of a record, about as many and as long as a VM's.
const FIELDS: usize = 90;

#[derive(Clone, Copy)]
struct Plan {
    json: bool,
    bytes: usize,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let megabytes = args.iter().find_map(|arg| arg.parse::<usize>().ok()).unwrap_or(40);
    let plan = Plan { json: !args.iter().any(|arg| arg == "xml"), bytes: megabytes << 20 };
    if args.iter().any(|arg| arg == "whole") {
        return whole(plan);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, plan));
        }
    });
    let target = Target {
        host: format!("http://{address}"),
        username: "root".to_owned(),
        password: "password".to_owned().into(),
        tls: Tls::Verify,
        http_proxy: None,
        read_only: false,
        members: vec![],
    };
    let mut stream = EventStream::new(target, Timeouts::default(), &["VM"], None);
    let (mut records, mut start, mut before) = (0, Instant::now(), 0);
    loop {
        match stream.next().await {
            Event::Init => (start, before) = (Instant::now(), memory("VmRSS")),
            Event::InitApply { record, .. } => records += usize::from(record.get("uuid").is_some()),
            Event::InitDone => break,
            Event::Lost { error, .. } => return Err(error.chain().into()),
            _ => {}
        }
    }
    let (took, peak) = (start.elapsed(), memory("VmHWM"));
    report("streamed", plan, records, took, before, peak);
    Ok(())
}

fn report(how: &str, plan: Plan, records: usize, took: std::time::Duration, before: usize, peak: usize) {
    let rate = (plan.bytes >> 20) as f64 / took.as_secs_f64();
    println!(
        "{how} {}: {records} records, {took:.2?}, {rate:.0} MiB/s; resident {} KiB before, {} KiB at most, {} KiB more",
        if plan.json { "JSON" } else { "XML" },
        before,
        peak,
        peak.saturating_sub(before)
    );
}

fn whole(plan: Plan) -> Result<(), Box<dyn std::error::Error>> {
    let mut body = head(plan);
    for number in 0..count(plan) {
        body.push_str(&event(plan, number));
    }
    body.push_str(tail(plan));
    let (start, before) = (Instant::now(), memory("VmRSS"));
    let value: serde_json::Value = serde_json::from_str(&body)?;
    let (took, records) = (start.elapsed(), value["result"]["events"].as_array().map_or(0, Vec::len));
    report("whole", plan, records, took, before, memory("VmHWM"));
    Ok(())
}

/// Returns a line of the process's status, in KiB.
fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()).unwrap_or_default()
}

async fn serve(mut stream: TcpStream, plan: Plan) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            match stream.read(&mut buffer).await? {
                0 => return Ok(()),
                n => bytes.extend_from_slice(&buffer[..n]),
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
        while bytes.len() < end + length {
            let n = stream.read(&mut buffer).await?;
            bytes.extend_from_slice(&buffer[..n]);
        }
        let body = String::from_utf8_lossy(&bytes[end..end + length]).into_owned();
        bytes.drain(..end + length);
        if body.contains("event.from") && !body.contains(",0000") && !body.contains("00,00") {
            send_events(&mut stream, plan).await?;
        } else if body.contains("event.from") {
            std::future::pending::<()>().await;
        } else {
            let (kind, text) = if plan.json {
                ("application/json", "{\"jsonrpc\":\"2.0\",\"result\":\"OpaqueRef:1\",\"id\":0}".to_owned())
            } else {
                ("text/xml", xml_of("<value>OpaqueRef:1</value>"))
            };
            answer_head(&mut stream, kind, text.len()).await?;
            stream.write_all(text.as_bytes()).await?;
        }
    }
}

async fn answer_head(stream: &mut TcpStream, kind: &str, length: usize) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await
}

async fn send_events(stream: &mut TcpStream, plan: Plan) -> std::io::Result<()> {
    let (head, tail, count) = (head(plan), tail(plan), count(plan));
    // All events are of one length.
    let length = head.len() + tail.len() + (0..count).map(|number| event(plan, number).len()).sum::<usize>();
    answer_head(stream, if plan.json { "application/json" } else { "text/xml" }, length).await?;
    stream.write_all(head.as_bytes()).await?;
    let mut chunk = String::new();
    for number in 0..count {
        chunk.push_str(&event(plan, number));
        if chunk.len() > 256 << 10 {
            stream.write_all(chunk.as_bytes()).await?;
            chunk.clear();
        }
    }
    stream.write_all(chunk.as_bytes()).await?;
    stream.write_all(tail.as_bytes()).await
}

fn count(plan: Plan) -> usize {
    plan.bytes / event(plan, 1).len()
}

fn head(plan: Plan) -> String {
    match plan.json {
        true => "{\"jsonrpc\":\"2.0\",\"result\":{\"events\":[".to_owned(),
        false => {
            let text = xml_of("<value><struct><member><name>events</name><value><array><data>|");
            text.split('|').next().unwrap_or_default().to_owned()
        }
    }
}

fn tail(plan: Plan) -> &'static str {
    match plan.json {
        true => "],\"valid_ref_counts\":{},\"token\":\"7,0\"},\"id\":0}",
        false => {
            "</data></array></value></member><member><name>token</name><value>7,0</value></member></struct></value>\
             </member></struct></value></param></params></methodResponse>"
        }
    }
}

fn xml_of(value: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name>\
         <value>Success</value></member><member><name>Value</name>{value}</member></struct></value></param></params>\
         </methodResponse>"
    )
}

fn event(plan: Plan, number: usize) -> String {
    let reference = format!("OpaqueRef:{number:08}-0000-0000-0000-000000000000");
    let mut text = String::new();
    let fields = (0..FIELDS).map(|field| {
        let value = match field % 4 {
            0 => reference.clone(),
            1 => "20260101T00:00:00Z".to_owned(),
            2 => String::new(),
            _ => "a value".to_owned(),
        };
        (format!("a_field_of_vms_{field:02}"), value)
    });
    if plan.json {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}{{\"id\":\"{number}\",\"timestamp\":\"0.0\",\"class\":\"vm\",\"operation\":\"add\",\"ref\":\"{reference}\",\
             \"snapshot\":{{\"uuid\":\"{number:036}\",\"other_config\":{{\"key\":\"value\"}}"
        );
        for (name, value) in fields {
            let _ = write!(text, ",\"{name}\":\"{value}\"");
        }
        text.push_str("}}");
    } else {
        let member = |name: &str, value: &str| format!("<member><name>{name}</name><value>{value}</value></member>");
        let _ = write!(
            text,
            "<value><struct>{}{}{}<member><name>snapshot</name><value><struct>{}",
            member("class", "vm"),
            member("operation", "add"),
            member("ref", &reference),
            member("uuid", &format!("{number:036}"))
        );
        for (name, value) in fields {
            text.push_str(&member(&name, &value));
        }
        text.push_str("</struct></value></member></struct></value>");
    }
    text
}
