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
