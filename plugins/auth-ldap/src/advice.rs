//! Turns what went wrong into what to do about it. Kind, code and parameters stay; only the text for people changes.

use xylem_sdk::{Error, ErrorKind};

use crate::language::{Language, say};
use crate::settings::{Encryption, Settings};

/// Where in the walk it went wrong; the same code means different things in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Name, connection, encryption.
    Connect,
    /// The service account.
    Bind,
    /// The search base.
    Base,
    /// The search for a person.
    Find,
    /// The bind of a person.
    Person,
}

/// Returns the error with a message that says what to do next. What this plugin knows nothing about keeps the message of the
/// daemon.
pub fn add(error: Error, step: Step, settings: &Settings, language: Language) -> Error {
    match text(&error, step, settings, language) {
        Some(message) => Error { message, ..error },
        None => error,
    }
}

fn text(error: &Error, step: Step, settings: &Settings, language: Language) -> Option<String> {
    let server = &settings.server;
    let (host, port, timeout) = (&server.host, server.port, settings.timeout);
    let (base, dn, said) = (&settings.base, &settings.bind.dn, &error.message);
    Some(match (error.code.as_str(), step) {
        ("grant.missing", _) => say!(
            language,
            "The plugin is not allowed to connect to {host}:{port} yet. Allow ldap:{host}:{port} among its permissions, then try again.",
            "Le plugin n'a pas encore le droit de se connecter à {host}:{port}. Accordez ldap:{host}:{port} dans ses permissions, puis réessayez.",
        ),
        ("connect.dns", _) => say!(
            language,
            "No address is known for {host}. Check how the host is spelled, and the DNS of the machine that Xylem runs on.",
            "Aucune adresse n'est connue pour {host}. Vérifiez le nom de l'hôte et le DNS de la machine où tourne Xylem.",
        ),
        ("connect.refused", _) => say!(
            language,
            "{host} refuses connections on port {port}. Check the port (636 for LDAPS, 389 for StartTLS) and that the directory is running.",
            "{host} refuse les connexions sur le port {port}. Vérifiez le port (636 pour LDAPS, 389 pour StartTLS) et que l'annuaire fonctionne.",
        ),
        ("connect.timeout", _) => say!(
            language,
            "{host}:{port} did not answer within {timeout} s. Check the host, the port and the firewalls in between, or raise the timeout.",
            "{host}:{port} n'a pas répondu en {timeout} s. Vérifiez l'hôte, le port et les pare-feux entre les deux, ou augmentez le délai.",
        ),
        ("tls.unknown-ca", _) if server.ca().is_some() => say!(
            language,
            "The certificate of {host} is not signed by the CA certificate that is set here. Replace it by that of the authority that did sign it.",
            "Le certificat de {host} n'est pas signé par l'autorité indiquée ici. Remplacez-la par le certificat de celle qui l'a signé.",
        ),
        ("tls.unknown-ca", _) => say!(
            language,
            "The certificate of {host} is signed by an authority that this system does not know. Paste that authority's certificate into CA certificate.",
            "Le certificat de {host} est signé par une autorité que ce système ne connaît pas. Collez le certificat de cette autorité dans le champ prévu.",
        ),
        ("tls.name-mismatch", _) => say!(
            language,
            "The certificate is not for the name {host}. Set as host a name that stands in the certificate, or have a new one made. ({said})",
            "Le certificat n'est pas établi pour le nom {host}. Indiquez comme hôte un nom qui figure dans le certificat, ou faites-en établir un autre. ({said})",
        ),
        (code, _) if code.starts_with("tls.") => tls(settings, said, language),
        ("ldap.invalid-credentials", Step::Bind) => say!(
            language,
            "The server refuses the service account {dn}: its DN or its password is wrong. Enter both again.",
            "Le serveur refuse le compte de service {dn} : son DN ou son mot de passe est faux. Saisissez-les à nouveau.",
        ),
        ("ldap.invalid-dn-syntax", Step::Bind) => say!(
            language,
            "The server does not take {dn} as the name of an account. Write it as a DN, such as cn=xylem,dc=example,dc=org.",
            "Le serveur n'accepte pas {dn} comme nom de compte. Écrivez-le comme un DN, par exemple cn=xylem,dc=example,dc=org.",
        ),
        ("ldap.inappropriate-authentication", Step::Bind) if settings.bind.password.is_none() => say!(
            language,
            "The server does not allow anonymous searches. Set a service account.",
            "Le serveur ne permet pas la recherche anonyme. Indiquez un compte de service.",
        ),
        ("ldap.confidentiality-required" | "ldap.strong-auth-required" | "ldap.stronger-auth-required", _) => say!(
            language,
            "The server wants an encrypted connection for this. Choose ldaps or starttls as encryption.",
            "Le serveur exige une connexion chiffrée. Choisissez ldaps ou starttls comme chiffrement.",
        ),
        ("ldap.no-such-object" | "ldap.referral", Step::Base | Step::Find) => say!(
            language,
            "The search base {base} does not exist on this server, or the service account may not read it. Check how it is spelled, and the rights of the account.",
            "La base de recherche {base} n'existe pas sur ce serveur, ou le compte de service ne peut pas la lire. Vérifiez son orthographe et les droits du compte.",
        ),
        ("ldap.invalid-dn-syntax", Step::Base | Step::Find) => say!(
            language,
            "The server does not take {base} as a DN. Write the search base like ou=people,dc=example,dc=org.",
            "Le serveur n'accepte pas {base} comme DN. Écrivez la base de recherche comme ou=people,dc=example,dc=org.",
        ),
        ("ldap.insufficient-access-rights" | "ldap.operations-error", Step::Base | Step::Find) => say!(
            language,
            "The service account may not search below {base}. Give it the right to read there, or set another account. ({said})",
            "Le compte de service n'a pas le droit de chercher sous {base}. Donnez-lui ce droit, ou indiquez un autre compte. ({said})",
        ),
        _ if error.kind == ErrorKind::NotFound && step == Step::Bind => say!(
            language,
            "No password is stored for the service account. Enter it again.",
            "Aucun mot de passe n'est gardé pour le compte de service. Saisissez-le à nouveau.",
        ),
        _ if error.kind == ErrorKind::Timeout => say!(
            language,
            "{host} stopped answering: more than {timeout} s went by. Check the load of the directory, or raise the timeout.",
            "{host} ne répond plus : {timeout} s sont passées. Vérifiez la charge de l'annuaire, ou augmentez le délai.",
        ),
        _ => return None,
    })
}

/// Other failures of the encryption: most often the two ports are mixed up.
fn tls(settings: &Settings, said: &str, language: Language) -> String {
    let port = settings.server.port;
    match (settings.server.encryption(), port) {
        (Encryption::Ldaps, 389 | 3268) => say!(
            language,
            "No encrypted connection came about ({said}). Port {port} mostly speaks StartTLS: choose starttls, or port 636.",
            "La connexion chiffrée n'a pas abouti ({said}). Le port {port} parle en général StartTLS : choisissez starttls, ou le port 636.",
        ),
        (Encryption::Starttls, 636 | 3269) => say!(
            language,
            "No encrypted connection came about ({said}). Port {port} mostly speaks LDAPS: choose ldaps, or port 389.",
            "La connexion chiffrée n'a pas abouti ({said}). Le port {port} parle en général LDAPS : choisissez ldaps, ou le port 389.",
        ),
        _ => say!(
            language,
            "No encrypted connection came about ({said}). Check that the port and the encryption belong together, and the certificate of the server.",
            "La connexion chiffrée n'a pas abouti ({said}). Vérifiez que le port et le chiffrement vont ensemble, et le certificat du serveur.",
        ),
    }
}
