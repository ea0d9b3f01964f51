//! From generated types to ours, while weighing them: a plugin may hand over a limited amount.

use serde_json::Value;

use crate::bindings::exports::xylem::plugin::lifecycle;
use crate::bindings::xylem::plugin::{auth_types, types};
use crate::log::LINE_BYTES;
use crate::{Activation, CallError, Check, FieldError, Group, Identity, PluginError, Schedule, Subscription, Verdict};

/// Bytes that a plugin may hand over as the result of a call.
pub(crate) const RESULT: usize = 4 << 20;

/// Bytes of names, of ids (a DN may be one), and of what is kept with an account; groups of a person.
const SHORT: usize = 1 << 10;
const LONG: usize = 8 << 10;
const KEPT: usize = 64 << 10;
const GROUPS: usize = 10_000;

/// What is left of [`RESULT`]. Each list element weighs too, so that a million empty ones are no way around it.
pub(crate) struct Scale(usize);

impl Scale {
    pub(crate) fn new() -> Self {
        Self(RESULT)
    }

    fn weigh(&mut self, bytes: usize) -> Result<(), CallError> {
        self.0 = self.0.checked_sub(bytes).ok_or(CallError::ResultTooLarge { limit: RESULT as u64 })?;
        Ok(())
    }

    fn text(&mut self, text: String) -> Result<String, CallError> {
        self.weigh(text.len() + 8)?;
        Ok(text)
    }

    fn maybe(&mut self, text: Option<String>) -> Result<Option<String>, CallError> {
        text.map(|text| self.text(text)).transpose()
    }

    fn list<A, B>(
        &mut self,
        list: Vec<A>,
        mut each: impl FnMut(&mut Self, A) -> Result<B, CallError>,
    ) -> Result<Vec<B>, CallError> {
        self.weigh(list.len().saturating_mul(8))?;
        list.into_iter().map(|element| each(self, element)).collect()
    }

    /// Reads JSON; empty counts as "{}", because SDKs leave options empty.
    pub(crate) fn json(&mut self, what: &str, text: String) -> Result<Value, CallError> {
        let text = self.text(text)?;
        if text.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_str(&text).map_err(|error| garbage(format!("{what} is not JSON: {error}")))
    }

    fn no_options(&mut self, what: &str, text: String) -> Result<(), CallError> {
        match self.json(what, text)?.as_object().map(|options| options.keys().next()) {
            Some(None) => Ok(()),
            Some(Some(key)) => Err(garbage(format!("{what} has an option {key:?} that this Xylem does not know"))),
            None => Err(garbage(format!("{what} is not a JSON object"))),
        }
    }

    pub(crate) fn error(&mut self, error: types::Error) -> Result<PluginError, CallError> {
        let mut error = PluginError::from(error);
        error.code = self.text(error.code)?;
        error.message = self.text(error.message)?;
        error.params = self.list(error.params, Self::text)?;
        error.fields = self.list(error.fields, Self::weigh_field)?;
        Ok(error)
    }

    fn weigh_field(&mut self, field: FieldError) -> Result<FieldError, CallError> {
        self.weigh(field.path.len() + field.code.len() + field.message.len() + 24)?;
        Ok(field)
    }

    pub(crate) fn fields(&mut self, fields: Vec<types::FieldError>) -> Result<Vec<FieldError>, CallError> {
        self.list(fields, |scale, field| scale.weigh_field(field.into()))
    }

    pub(crate) fn checks(&mut self, checks: Vec<lifecycle::Check>) -> Result<Vec<Check>, CallError> {
        self.list(checks, |scale, check| {
            let outcome = match check.outcome {
                Ok(found) => Ok(scale.text(found)?),
                Err(error) => Err(scale.error(error)?),
            };
            Ok(Check { name: scale.text(check.name)?, outcome })
        })
    }

    pub(crate) fn activation(&mut self, given: lifecycle::Activation) -> Result<Activation, CallError> {
        self.no_options("the options of the activation", given.options)?;
        let subscriptions = self.list(given.subscriptions, |scale, it| {
            scale.no_options("the options of a subscription", it.options)?;
            Ok(Subscription {
                name: scale.text(it.name)?,
                topics: scale.list(it.topics, Self::text)?,
                kinds: scale.list(it.kinds, Self::text)?,
                filter: scale.maybe(it.filter)?,
                fields: scale.list(it.fields, Self::text)?,
                max_batch: it.max_batch.clamp(1, 1_000),
            })
        })?;
        let schedules = self.list(given.schedules, |scale, it| {
            scale.no_options("the options of a schedule", it.options)?;
            Ok(Schedule {
                name: scale.text(it.name)?,
                job: scale.text(it.job)?,
                cron: scale.text(it.cron)?,
                timezone: scale.text(it.timezone)?,
                params: scale.json("the parameters of a schedule", it.params)?,
                catch_up: it.catch_up,
            })
        })?;
        Ok(Activation { subscriptions, schedules })
    }

    pub(crate) fn verdict(&mut self, verdict: auth_types::Verdict) -> Result<Verdict, CallError> {
        let it = match verdict {
            auth_types::Verdict::Unknown => return Ok(Verdict::Unknown),
            auth_types::Verdict::Refused(reason) => {
                let reason = self.text(reason)?;
                return Ok(Verdict::Refused(crate::log::cut(&reason, LINE_BYTES).to_owned()));
            }
            auth_types::Verdict::Accepted(identity) => identity,
        };
        let identity = Identity {
            subject: self.text(it.subject)?,
            username: self.text(it.username)?,
            display_name: self.maybe(it.display_name)?,
            email: self.maybe(it.email)?,
            groups: match it.groups {
                None => None,
                Some(groups) => Some(self.list(groups, |scale, group| {
                    Ok(Group { subject: scale.text(group.subject)?, name: scale.text(group.name)? })
                })?),
            },
            valid_until: it.valid_until,
            strong: it.strong,
            session_key: self.maybe(it.session_key)?,
            session: self.maybe(it.session)?,
            attributes: self.json("the attributes of the identity", it.attributes)?,
        };
        let long = |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.len() > most);
        if identity.subject.len() > LONG
            || identity.username.len() > SHORT
            || long(&identity.display_name, SHORT)
            || long(&identity.email, SHORT)
            || long(&identity.session_key, LONG)
            || long(&identity.session, KEPT)
            || identity.groups.as_ref().is_some_and(|groups| groups.len() > GROUPS)
            || identity.groups.iter().flatten().any(|group| group.subject.len() > LONG || group.name.len() > SHORT)
            || !crate::config::within(&identity.attributes, KEPT, 16)
        {
            return Err(garbage("a field of the identity is too long".to_owned()));
        }
        // Accounts are linked by subject: without one, everybody would be the same person.
        if identity.subject.is_empty() || identity.username.is_empty() {
            return Err(garbage("the identity has no subject or no username".to_owned()));
        }
        Ok(Verdict::Accepted(identity))
    }
}

/// The plugin answered with something that means nothing: its own error, and no misbehaviour that a rest would cure.
fn garbage(message: String) -> CallError {
    let message = format!("the plugin gave an answer that cannot be used: {message}");
    CallError::Plugin(PluginError::new(crate::ErrorKind::Internal, "plugin.answer", message))
}
