//! Listeners for JSON-RPC without HTTP: the Unix socket of this machine, and a TCP port for those who want one.
//!
//! The socket lies in a folder that only its users may enter; who is at the other end says the kernel. Root and the daemon's
//! own user administer without signing in, so that a lost administrator can be replaced; everybody else signs in.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use crate::session::Session;
use crate::{Api, ServeError, ws};

/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The wait after the system could not hand over a connection: it is out of file handles, and will be for a moment.
const OUT_OF_HANDLES: Duration = Duration::from_millis(100);

/// Where the Unix socket is.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its path; the folder is made if it is not there.
    pub path: PathBuf,
    /// A group whose members may connect, too; they sign in.
    pub group: Option<u32>,
}

/// The socket on the disk; dropping it takes it away.
pub struct LocalSocket(PathBuf);

impl Drop for LocalSocket {
    fn drop(&mut self) {
        // It may be gone already; a file that stays is replaced at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

/// Starts to listen on the Unix socket.
///
/// # Errors
/// When the folder is open to others, another daemon listens there, or the system refuses.
pub fn serve_local(api: &Api, local: &Local) -> Result<LocalSocket, ServeError> {
    let refused = |source| ServeError::Local { path: local.path.clone(), source };
    let listener = bind(local).map_err(refused)?;
    let own = fs::metadata(&local.path).map_err(refused)?.uid();
    let mut stop = api.app.workers.stop_signal();
    let (api, workers) = (api.clone(), api.app.clone());
    workers.workers.spawn("local socket", async move {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((io, _)) => {
                        let session = session_of(&io, own);
                        tokio::spawn(ws::serve_lines(api.clone(), session, io));
                    }
                    Err(cause) => pause(&cause).await,
                },
                () = stop.wait() => break,
            }
        }
    });
    Ok(LocalSocket(local.path.clone()))
}

/// Returns the session of whoever is at the other end.
fn session_of(io: &UnixStream, own: u32) -> std::sync::Arc<Session> {
    match io.peer_cred().map(|peer| peer.uid()) {
        Ok(user) if user == 0 || user == own => Session::local(user),
        _ => Session::new(None, None),
    }
}

fn bind(local: &Local) -> io::Result<UnixListener> {
    let Local { path, group } = local;
    let (of_folder, of_socket) = if group.is_some() { (0o750, 0o660) } else { (0o700, 0o600) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.exists() {
        DirBuilder::new().recursive(true).mode(of_folder).create(folder)?;
        // What the mask of the process took away.
        fs::set_permissions(folder, Permissions::from_mode(of_folder))?;
        chown(folder, None, *group)?;
    }
    let mode = fs::metadata(folder)?.permissions().mode() & 0o777;
    if mode & !of_folder != 0 {
        let folder = folder.display();
        let text =
            format!("others may enter the folder {folder} (its mode is {mode:o}): run chmod {of_folder:o} {folder}");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    if let Ok(there) = fs::symlink_metadata(path) {
        if !there.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something else than a socket is there"));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens on it"));
        }
        // Left behind by a daemon that was killed.
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    chown(path, None, *group)?;
    fs::set_permissions(path, Permissions::from_mode(of_socket))?;
    Ok(listener)
}

/// Starts to listen on a TCP port and returns its address.
///
/// # Errors
/// When the address cannot be used, and without TLS on an address that others can reach.
pub async fn serve_lines(
    api: &Api,
    address: SocketAddr,
    tls: Option<(Vec<u8>, Vec<u8>)>,
) -> Result<SocketAddr, ServeError> {
    if tls.is_none() && !address.ip().is_loopback() {
        return Err(ServeError::PlainOutside(address));
    }
    let acceptor = match tls {
        Some((certificate, key)) => {
            let config = RustlsConfig::from_pem(certificate, key).await.map_err(ServeError::Certificate)?;
            Some(TlsAcceptor::from(config.get_inner()))
        }
        None => None,
    };
    let bind = |source| ServeError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    let mut stop = api.app.workers.stop_signal();
    let (api, workers) = (api.clone(), api.app.clone());
    workers.workers.spawn("tcp", async move {
        loop {
            let (io, peer) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(cause) => {
                        pause(&cause).await;
                        continue;
                    }
                },
                () = stop.wait() => break,
            };
            // Each write is a whole answer, or a whole piece of one. Without it they only come later.
            let _ = io.set_nodelay(true);
            let (api, session) = (api.clone(), Session::new(Some(peer.ip()), None));
            match acceptor.clone() {
                None => drop(tokio::spawn(ws::serve_lines(api, session, io))),
                Some(acceptor) => drop(tokio::spawn(async move {
                    match tokio::time::timeout(HANDSHAKE, acceptor.accept(io)).await {
                        Ok(Ok(io)) => ws::serve_lines(api, session, io).await,
                        Ok(Err(cause)) => debug!(%cause, "no TLS"),
                        Err(_) => debug!("no TLS in time"),
                    }
                })),
            }
        }
    });
    Ok(bound)
}

async fn pause(cause: &io::Error) {
    warn!(%cause, "a connection could not be taken");
    tokio::time::sleep(OUT_OF_HANDLES).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn the_socket_is_for_its_users_only() {
        let folder = std::env::temp_dir().join(format!("xylem-{}", rand::random::<u64>()));
        let own = fs::metadata("/proc/self").unwrap().gid();
        for (group, of_folder, of_socket) in [(None, 0o700, 0o600), (Some(own), 0o750, 0o660)] {
            let local = Local { path: folder.join("a/b.sock"), group };
            let listener = bind(&local).unwrap();
            assert_eq!((mode(&folder.join("a")), mode(&local.path)), (of_folder, of_socket));
            assert_eq!(bind(&local).unwrap_err().kind(), io::ErrorKind::AddrInUse);
            drop(listener);
            // A socket that nobody listens on any more is replaced.
            drop(bind(&local).unwrap());
            fs::remove_dir_all(&folder).unwrap();
        }
        let local = Local { path: folder.join("b.sock"), group: None };
        DirBuilder::new().mode(0o755).create(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let open = bind(&local).unwrap_err();
        assert!(open.to_string().contains("chmod 700"), "{open}");
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        fs::write(&local.path, "precious").unwrap();
        assert_eq!(bind(&local).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn only_root_and_the_daemons_user_need_no_account() {
        let (io, _other) = UnixStream::pair().unwrap();
        let me = io.peer_cred().unwrap().uid();
        // Somebody else's daemon: root stays root.
        for (own, is_local) in [(me, true), (me + 1, me == 0)] {
            let session = session_of(&io, own);
            assert_eq!(session.is_local(), is_local);
            session.give_up_local();
            assert!(!session.is_local());
        }
    }
}
