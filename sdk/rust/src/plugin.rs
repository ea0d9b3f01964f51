//! The traits an author implements, and the thin face between them and the generated ones.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::auth::Verdict;
use crate::bindings::{lifecycle, methods, password_provider};
use crate::config;
use crate::error::{self, Error, FieldError};

pub use crate::bindings::lifecycle::exports::xylem::plugin::lifecycle::{Activation, Check, Schedule, Subscription};

/// What every plugin is. Each function has a default, so that an author writes only what differs.
///
/// Nothing in memory survives a call: state belongs in [`crate::kv`].
pub trait Plugin {
    /// The configuration, in the shape of the manifest's schema. [`crate::NoConfig`] if there is none.
    type Config: DeserializeOwned;

    /// Returns what is wrong with a configuration that already matches the schema. Must not reach anything outside.
    fn validate(config: &Self::Config) -> Vec<FieldError> {
        let _ = config;
        vec![]
    }

    /// Returns a configuration of an older version in the present shape. Must not reach anything outside.
    ///
    /// # Errors
    /// Any; the old plugin then stays.
    fn migrate(from_version: u32, config: Value) -> Result<Value, Error> {
        let _ = from_version;
        Ok(config)
    }

    /// Returns the events and runs that this configuration turns on.
    ///
    /// # Errors
    /// Any; the plugin is then not enabled, and its page shows the message.
    fn activate(config: &Self::Config) -> Result<Activation, Error> {
        let _ = config;
        Ok(nothing())
    }

    /// Checks that things work: with `input` for the Test button, without for the health check every 5 minutes.
    ///
    /// # Errors
    /// Only when there is nothing to show; what fails in a check belongs in the check.
    fn test(config: &Self::Config, input: Option<Value>) -> Result<Vec<Check>, Error> {
        let _ = (config, input);
        Ok(vec![])
    }
}

/// Sign-in by name and password.
pub trait PasswordProvider: Plugin {
    /// Returns who it is.
    ///
    /// # Errors
    /// Any; the next provider is then asked.
    fn authenticate(config: &Self::Config, username: &str, password: &str) -> Result<Verdict, Error>;
}

/// Methods of the public API, as the manifest lists them.
pub trait Methods: Plugin {
    /// Calls a method with its parameters, both already checked.
    ///
    /// # Errors
    /// Any; it reaches the caller.
    fn call(method: &str, params: Value) -> Result<Value, Error>;
}

/// Returns the activation of a plugin that wants neither events nor schedules.
pub fn nothing() -> Activation {
    Activation { subscriptions: vec![], schedules: vec![], options: "{}".to_owned() }
}

/// Returns a line of a test.
pub fn check(name: impl Into<String>, outcome: Result<String, Error>) -> Check {
    Check { name: name.into(), outcome }
}

/// Translates between the texts of the contract and the types of an author's plugin. Made by [`crate::export!`].
#[doc(hidden)]
pub struct Face<P>(PhantomData<P>);

impl<P: Plugin> lifecycle::exports::xylem::plugin::lifecycle::Guest for Face<P> {
    fn validate(config: String) -> Vec<FieldError> {
        match config::parse(&config) {
            Ok(config) => P::validate(&config),
            Err(problem) => vec![error::field("", "format", problem.message)],
        }
    }

    fn migrate(from_version: u32, config: String) -> Result<String, Error> {
        P::migrate(from_version, config::parse(&config)?).map(|config| config.to_string())
    }

    fn activate(config: String) -> Result<Activation, Error> {
        P::activate(&config::parse(&config)?)
    }

    fn test(config: String, input: Option<String>) -> Result<Vec<Check>, Error> {
        let input = input.as_deref().map(config::parse).transpose()?;
        P::test(&config::parse(&config)?, input)
    }
}

impl<P: PasswordProvider> password_provider::exports::xylem::plugin::password_provider::Guest for Face<P> {
    fn authenticate(username: String, password: String) -> Result<Verdict, Error> {
        P::authenticate(&config::current()?, &username, &password)
    }
}

impl<P: Methods> methods::exports::xylem::plugin::methods::Guest for Face<P> {
    fn call(method: String, params: String) -> Result<String, Error> {
        P::call(&method, config::parse(&params)?).map(|result| result.to_string())
    }
}

#[cfg(test)]
mod tests {
    //! The faces, without a daemon: everything that does not call it.
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::bindings::lifecycle::exports::xylem::plugin::lifecycle::Guest as _;
    use crate::bindings::methods::exports::xylem::plugin::methods::Guest as _;
    use crate::{ErrorKind, NoConfig};

    struct Plain;

    impl Plugin for Plain {
        type Config = NoConfig;
    }

    impl Methods for Plain {
        fn call(method: &str, params: Value) -> Result<Value, Error> {
            Ok(json!([method, params]))
        }
    }

    #[derive(Deserialize)]
    struct Settings {
        door: config::Secret,
    }

    struct Picky;

    impl Plugin for Picky {
        type Config = Settings;

        fn validate(config: &Settings) -> Vec<FieldError> {
            vec![error::field("/door", "format", &config.door.name)]
        }

        fn test(_: &Settings, input: Option<Value>) -> Result<Vec<Check>, Error> {
            Ok(vec![check("input", Ok(format!("{input:?}")))])
        }
    }

    #[test]
    fn the_defaults_say_nothing_is_wrong_and_nothing_is_wanted() {
        assert!(Face::<Plain>::validate("{}".to_owned()).is_empty());
        assert_eq!(Face::<Plain>::migrate(1, r#"{"a": 1}"#.to_owned()).unwrap(), r#"{"a":1}"#);
        let activation = Face::<Plain>::activate("{}".to_owned()).unwrap();
        assert!(activation.subscriptions.is_empty() && activation.schedules.is_empty() && activation.options == "{}");
        assert!(Face::<Plain>::test("{}".to_owned(), None).unwrap().is_empty());
    }

    #[test]
    fn a_configuration_of_another_shape_is_told_and_does_not_trap() {
        let wrong = Face::<Picky>::validate("{}".to_owned());
        assert_eq!((wrong[0].path.as_str(), wrong[0].code.as_str()), ("", "format"));
        assert!(wrong[0].message.contains("door"), "{}", wrong[0].message);
        assert_eq!(Face::<Picky>::activate("[]".to_owned()).unwrap_err().kind, ErrorKind::Invalid);
        assert_eq!(Face::<Plain>::call("m".to_owned(), "{".to_owned()).unwrap_err().kind, ErrorKind::Invalid);
    }

    #[test]
    fn values_cross_both_ways() {
        let config = r#"{"door": {"$secret": "door"}}"#.to_owned();
        assert_eq!(Face::<Picky>::validate(config.clone())[0].message, "door");
        let checks = Face::<Picky>::test(config, Some("7".to_owned())).unwrap();
        assert_eq!(checks[0].outcome.as_deref().unwrap(), "Some(Number(7))");
        assert_eq!(Face::<Plain>::call("m".to_owned(), r#"{"a":1}"#.to_owned()).unwrap(), r#"["m",{"a":1}]"#);
    }
}
