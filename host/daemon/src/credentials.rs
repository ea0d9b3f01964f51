//! Files that the daemon makes for itself: the state folder, the master key, a certificate.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use api::Local;
use store::MasterKey;

use crate::config::{Config, Http};

/// Makes the state folder, or checks that it is ours alone.
pub(crate) fn state_folder(folder: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("make the state folder {}", folder.display()))?;
    let meta = fs::metadata(folder).with_context(|| format!("look at the state folder {}", folder.display()))?;
    if meta.permissions().mode() & 0o022 != 0 {
        bail!("others may write into the state folder {}: run chmod 700 {}", folder.display(), folder.display());
    }
    Ok(())
}

/// Returns the master key: from systemd's credentials, else from a file beside the store.
pub(crate) fn master_key(folder: &Path) -> Result<MasterKey> {
    if let Some(credentials) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        let given = MasterKey::from_credentials(Path::new(&credentials));
        if let Some(key) = given.context("read the master key from systemd's credentials")? {
            return Ok(key);
        }
    }
    let key = folder.join("master.key");
    MasterKey::for_store(&key, &folder.join("xylem.redb"))
        .with_context(|| format!("read the master key {}", key.display()))
}

/// Returns where the Unix socket is.
pub(crate) fn local(config: &Config) -> Result<Local> {
    let path = config.socket();
    let Some(group) = &config.rpc.socket_group else { return Ok(Local { path, group: None }) };
    if config.rpc.socket.is_none() {
        bail!("[rpc] socket_group needs socket: others do not enter the state folder");
    }
    let number = match group.parse() {
        Ok(number) => number,
        Err(_) => {
            let groups = fs::read_to_string("/etc/group").context("read /etc/group")?;
            group_number(&groups, group).with_context(|| format!("there is no group {group}; its number would do"))?
        }
    };
    Ok(Local { path, group: Some(number) })
}

/// Returns the number of a group, from the text of /etc/group.
fn group_number(groups: &str, name: &str) -> Option<u32> {
    let mut lines = groups.lines().map(|line| line.split(':'));
    lines.find_map(|mut line| if line.next() == Some(name) { line.nth(1)?.parse().ok() } else { None })
}

/// Returns certificate chain and key (PEM) if the listener speaks TLS: from files, else self-signed and kept.
pub(crate) fn certificate(http: &Http, folder: &Path) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("read {}", path.display()));
    match (&http.certificate, &http.key) {
        (Some(certificate), Some(key)) => return Ok(Some((read(certificate)?, read(key)?))),
        (None, None) => {}
        _ => bail!("[http] certificate and key go together: give both or none"),
    }
    if !http.tls && http.listen.ip().is_loopback() {
        return Ok(None);
    }
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("certificate.key"));
    if !(certificate.exists() && key.exists()) {
        let mut names = vec!["localhost".to_owned(), http.listen.ip().to_string()];
        names.extend(fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()));
        let made = rcgen::generate_simple_self_signed(names).context("make a self-signed certificate")?;
        write_private(&key, made.signing_key.serialize_pem().as_bytes())?;
        write_private(&certificate, made.cert.pem().as_bytes())?;
    }
    Ok(Some((read(&certificate)?, read(&key)?)))
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("write {}", path.display()))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_numbers() {
        let groups = "root:x:0:\nxylem-admins:x:997:alice,bob\nbroken\nadmins:x:5:";
        assert_eq!(group_number(groups, "xylem-admins"), Some(997));
        assert_eq!(group_number(groups, "admins"), Some(5));
        assert_eq!((group_number(groups, "broken"), group_number(groups, "alice")), (None, None));
    }

    #[test]
    fn a_group_needs_a_socket_that_it_can_reach() {
        let rpc = |text: &str| {
            let config: Config = toml::from_str(&format!("[state]\nfolder = \"/state\"\n[rpc]\n{text}")).unwrap();
            local(&config).map(|local| (local.path.display().to_string(), local.group)).ok()
        };
        assert_eq!(rpc(""), Some(("/state/rpc/xylem.sock".to_owned(), None)));
        let both = "socket = \"/run/x/y\"\nsocket_group = \"7\"";
        assert_eq!(rpc(both), Some(("/run/x/y".to_owned(), Some(7))));
        assert_eq!(rpc("socket_group = \"7\""), None);
    }
}
