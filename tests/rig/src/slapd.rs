//! A real OpenLDAP server on loopback with people in it: LDAPS and StartTLS, a CA of its own, and a CA that has nothing to do
//! with it.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::process::Process;
use crate::wait;

/// The top of the tree.
pub const BASE: &str = "dc=example,dc=org";

/// Where people are.
pub const PEOPLE: &str = "ou=people,dc=example,dc=org";

/// The account that may search.
pub const READER: &str = "cn=reader,dc=example,dc=org";

/// Its password.
pub const READER_PASSWORD: &str = "reader-Pw-1";

/// The people: login name, full name, password. The mail address is `<login name>@example.org`.
pub const PEOPLE_LIST: [(&str, &str, &str); 3] = [
    ("alice", "Alice Ä. Example", "alice-Pw-1"),
    ("bob", "Bob Example", "bob-Pw-1"),
    ("carol", "Carol Example", "carol-Pw-1"),
];

/// Tries to find two free ports: somebody else may take one between our look and slapd's.
const TRIES: usize = 5;

/// A running slapd. Dropping it ends it.
pub struct Slapd {
    process: Process,
    /// Address of both listeners.
    pub host: String,
    /// LDAPS.
    pub port: u16,
    /// Plain, for StartTLS.
    pub start_tls_port: u16,
    /// PEM of the CA that signed its certificate.
    pub ca: String,
    /// PEM of a CA that did not.
    pub other_ca: String,
}

impl Slapd {
    /// Starts one that keeps its files in `folder`, and waits until both ports answer.
    ///
    /// # Errors
    /// When slapd is not installed or does not start.
    pub async fn start(folder: &Path) -> Result<Self> {
        let program = program("slapd")?;
        let (slapadd, database) = (self::program("slapadd")?, folder.join("db"));
        std::fs::create_dir_all(&database).with_context(|| format!("make {}", database.display()))?;
        let (ca, other_ca) = certificates(folder)?;
        let config = folder.join("slapd.conf");
        std::fs::write(&config, config_text(folder)).context("write slapd.conf")?;
        let ldif = folder.join("people.ldif");
        std::fs::write(&ldif, ldif_text()).context("write people.ldif")?;
        let added = Command::new(slapadd).arg("-q").arg("-f").arg(&config).arg("-l").arg(&ldif).output();
        let added = added.context("run slapadd")?;
        if !added.status.success() {
            bail!("slapadd failed: {}", String::from_utf8_lossy(&added.stderr));
        }
        let log = folder.join("slapd.log");
        for _ in 0..TRIES {
            let (plain, secure) = (free_port()?, free_port()?);
            let mut command = Command::new(&program);
            // 127.0.0.1 and not localhost: libldap takes that for the machine's own name in the check of certificates.
            let urls = format!("ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{secure}/");
            command.arg("-f").arg(&config).arg("-h").arg(urls).arg("-d").arg("none");
            let mut process = Process::start("slapd", &mut command, &log)?;
            let up = wait::until("slapd to listen", async || {
                if process.ended().is_some() {
                    return Some(false);
                }
                let plain = TcpStream::connect((Ipv4Addr::LOCALHOST, plain)).await;
                let secure = TcpStream::connect((Ipv4Addr::LOCALHOST, secure)).await;
                (plain.is_ok() && secure.is_ok()).then_some(true)
            });
            let outcome = up.await;
            if outcome.with_context(|| process.last_words())? {
                let host = "127.0.0.1".to_owned();
                return Ok(Self { process, host, port: secure, start_tls_port: plain, ca, other_ca });
            }
        }
        bail!("slapd does not start\n{}", std::fs::read_to_string(&log).unwrap_or_default())
    }

    /// Returns a configuration of the plugin auth-ldap that finds people by login name or mail address.
    pub fn config(&self) -> Value {
        json!({
            "server": { "host": self.host, "port": self.port, "tls": "ldaps", "ca": self.ca },
            "base": BASE,
            "bind": { "dn": READER, "password": READER_PASSWORD },
            "filter": "(&(objectClass=inetOrgPerson)(|(uid={{name}})(mail={{name}})))",
        })
    }

    /// Returns the capability that this configuration needs.
    pub fn capability(&self) -> String {
        format!("ldap:{}:{}", self.host, self.port)
    }

    /// Returns the grant that this configuration needs: a directory on loopback must be allowed expressly.
    pub fn grant(&self) -> Value {
        json!({ "capability": self.capability(), "mode": "on", "options": { "addresses": ["loopback"] } })
    }

    /// Returns everything that a test in another language needs.
    pub fn describe(&self) -> Value {
        let people = PEOPLE_LIST.map(|(name, _, password)| json!({ "name": name, "password": password }));
        json!({
            "host": self.host, "port": self.port, "startTlsPort": self.start_tls_port, "ca": self.ca,
            "otherCa": self.other_ca, "base": BASE, "bindDn": READER, "bindPassword": READER_PASSWORD, "users": people,
        })
    }

    /// Ends the server, as a failure of the directory would.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut files = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).map(|dir| dir.join(name));
    files.find(|file| file.is_file()).with_context(|| {
        format!("{name} is not installed: run `apt-get install slapd ldap-utils`, or `cargo xtask test`, which does it")
    })
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .context("find a port")?
        .port())
}

/// Writes certificate and key of the server; returns its CA and an unrelated one.
fn certificates(folder: &Path) -> Result<(String, String)> {
    let authority = |name: &str| -> Result<_> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key)?.pem();
        Ok((pem, Issuer::new(params, key)))
    };
    let (ca, issuer) = authority("CA of the test directory")?;
    let (other, _) = authority("CA of nobody here")?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "127.0.0.1");
    let certificate = params.signed_by(&key, &issuer)?;
    std::fs::write(folder.join("ca.pem"), &ca)?;
    std::fs::write(folder.join("server.pem"), certificate.pem())?;
    std::fs::write(folder.join("server.key"), key.serialize_pem())?;
    Ok((ca, other))
}

fn config_text(folder: &Path) -> String {
    let folder = folder.display();
    let rootdn = format!("cn=admin,{BASE}");
    format!(
        "modulepath /usr/lib/ldap\n\
         moduleload back_mdb\n\
         include /etc/ldap/schema/core.schema\n\
         include /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\n\
         TLSCACertificateFile {folder}/ca.pem\n\
         TLSCertificateFile {folder}/server.pem\n\
         TLSCertificateKeyFile {folder}/server.key\n\
         disallow bind_anon\n\
         database mdb\n\
         suffix \"{BASE}\"\n\
         rootdn \"{rootdn}\"\n\
         directory {folder}/db\n\
         maxsize 104857600\n\
         dbnosync\n\
         index objectClass,uid,mail eq\n\
         access to attrs=userPassword by anonymous auth by * none\n\
         access to * by users read by * none\n"
    )
}

fn ldif_text() -> String {
    let mut text = format!(
        "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n\
         dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n\
         dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\n\
         userPassword: {READER_PASSWORD}\n\n"
    );
    for (name, full, password) in PEOPLE_LIST {
        let last = full.rsplit(' ').next().unwrap_or_default();
        // Values beyond ASCII are base64 in LDIF.
        use base64::Engine;
        let full = base64::engine::general_purpose::STANDARD.encode(full);
        text.push_str(&format!(
            "dn: uid={name},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {name}\ncn:: {full}\nsn: {last}\n\
             mail: {name}@example.org\nuserPassword: {password}\n\n"
        ));
    }
    text
}
