//! Lets the people on a list sign in with one shared password.

use serde::Deserialize;
use xylem_sdk::prelude::*;
use xylem_sdk::reveal;

xylem_sdk::manifest!("manifest.json");
xylem_sdk::export!(GuestList: password_provider);

pub struct GuestList;

/// The configuration, in the shape of the manifest's `configSchema`.
#[derive(Deserialize)]
pub struct Settings {
    guests: Vec<String>,
    password: config::Secret,
}

impl Plugin for GuestList {
    type Config = Settings;

    fn validate(settings: &Settings) -> Vec<FieldError> {
        if settings.guests.iter().any(|guest| guest.trim().is_empty()) {
            let message = "each guest needs a name";
            return vec![error::field("/guests", "required", message)];
        }
        vec![]
    }

    fn test(settings: &Settings, _input: Option<Value>) -> Result<Vec<Check>, Error> {
        let outcome =
            reveal::text(&settings.password.open()?).map(|_| "It can be read.".to_owned());
        Ok(vec![check("Read the shared password", outcome)])
    }
}

impl PasswordProvider for GuestList {
    fn authenticate(settings: &Settings, username: &str, password: &str) -> Result<Verdict, Error> {
        let shared = reveal::text(&settings.password.open()?)?;
        Ok(decide(&settings.guests, &shared, username, password))
    }
}

/// The logic, away from the daemon: plain Rust with plain tests.
fn decide(guests: &[String], shared: &str, username: &str, password: &str) -> Verdict {
    match guests.iter().any(|guest| guest == username) {
        false => Verdict::Unknown,
        true if password != shared => Verdict::Refused("wrong password".to_owned()),
        true => Verdict::Accepted(Identity::new(username, username)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_need_the_password() {
        let guests = ["ada".to_owned()];
        assert!(matches!(
            decide(&guests, "tea", "ada", "tea"),
            Verdict::Accepted(_)
        ));
        assert!(matches!(
            decide(&guests, "tea", "ada", "milk"),
            Verdict::Refused(_)
        ));
        assert!(matches!(
            decide(&guests, "tea", "bob", "tea"),
            Verdict::Unknown
        ));
    }
}
