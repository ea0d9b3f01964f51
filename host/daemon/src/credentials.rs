//! Files that the daemon makes for itself: the state folder, the master key, a certificate.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use store::MasterKey;

use crate::config::Http;

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
