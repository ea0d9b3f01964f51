//! From the names of the table to the verbs of `app`: one line each, and nothing is decided here.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use app::object::{Named, Target};
use app::stats::Granularity;
use app::{Ctx, Error};
use bytes::Bytes;
use model::{InstanceId, ServerId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use wire::Failure;

use crate::answers::Answers;
use crate::listing::Listing;
use crate::session::Session;
use crate::sse::Hub;
use crate::tickets::Tickets;
use crate::ws::Sockets;
use collection::{list, one};

/// A call on its way to a verb: permission, shape of the parameters and rights on the objects they name are checked.
pub(crate) struct Call {
    pub ctx: Ctx,
    pub session: Arc<Session>,
    pub tickets: Tickets,
    pub answers: Answers,
    pub events: Hub,
    pub sockets: Sockets,
    pub params: Map<String, Value>,
    /// The objects that the table declares for the call, if they are named.
    pub objects: Named,
}

/// What a verb answers.
pub(crate) enum Reply {
    /// Nothing to say: `true` on the wire.
    Done,
    /// A value.
    Value(Value),
    /// JSON text of one object.
    Json(Vec<u8>),
    /// A whole answer that was given before.
    Kept(Bytes, &'static str),
    /// Objects, written as they leave.
    Listing(Box<Listing>),
}

type Answer = Result<Reply, Error>;
type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

impl Call {
    fn take<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let params = Value::Object(std::mem::take(&mut self.params));
        serde_json::from_value(params).map_err(|error| Failure::invalid(error.to_string()).into())
    }

    /// Reads the parameters, those that name objects included.
    fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.params).map_err(|error| Failure::invalid(error.to_string()).into())
    }

    /// Returns the object that a parameter names; the table declares it.
    fn object(&self, param: &str) -> Result<Target, Error> {
        let missing = || Failure::invalid(format!("{param} is missing"));
        Ok(self.optional(param).ok_or_else(missing)?.clone())
    }

    /// Returns the object that a parameter names, if it names one.
    fn optional(&self, param: &str) -> Option<&Target> {
        self.objects.iter().find(|(name, _)| *name == param).map(|(_, object)| object)
    }

    /// Returns the objects that a parameter names.
    fn several(&self, param: &str) -> Vec<&Target> {
        self.objects.iter().filter(|(name, _)| *name == param).map(|(_, object)| object).collect()
    }

    fn text(&self, name: &str) -> &str {
        self.params.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn granularity(&self) -> Result<Granularity, Error> {
        let Some(word) = self.params.get("granularity") else { return Ok(Granularity::default()) };
        Granularity::deserialize(word).map_err(|error| Failure::invalid(error.to_string()).into())
    }

    fn flag(&self, name: &str) -> bool {
        self.params.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    fn instance(&self) -> InstanceId {
        InstanceId::from(self.text("id"))
    }

    fn server(&self) -> ServerId {
        ServerId::from(self.text("id"))
    }
}

macro_rules! handlers {
    ($($name:literal => |$call:ident| $body:expr;)*) => {
        /// Handlers of this family.
        pub(super) const HANDLERS: &[(&str, Handler)] = &[$(($name, |$call: Call| {
            #[allow(unused_mut)]
            let mut $call = $call;
            Box::pin(async move { $body })
        }),)*];
    };
}

mod acl;
mod alarm;
mod audit;
mod auth;
mod cloud_config;
pub(crate) mod collection;
mod dashboard;
mod disk;
mod event;
mod group;
mod host;
pub(crate) mod inventory;
mod ip_pool;
mod job;
mod log;
mod machine;
mod member;
mod message;
mod network;
mod object;
mod patch;
mod plugin;
mod pool;
mod pool_change;
mod raw;
mod record;
mod resource_set;
mod role;
mod server;
mod storage;
mod storage_change;
mod system;
mod tag;
mod task;
mod token;
mod user;
mod vm;
mod vm_devices;
mod vm_make;

/// Every operation of the table that has a handler, by name.
static HANDLERS: LazyLock<Box<[(&str, Handler)]>> = LazyLock::new(|| {
    let mut all = [
        acl::HANDLERS,
        alarm::HANDLERS,
        audit::HANDLERS,
        auth::HANDLERS,
        cloud_config::HANDLERS,
        dashboard::HANDLERS,
        disk::HANDLERS,
        group::HANDLERS,
        event::HANDLERS,
        host::HANDLERS,
        inventory::HANDLERS,
        ip_pool::HANDLERS,
        job::HANDLERS,
        log::HANDLERS,
        machine::HANDLERS,
        member::HANDLERS,
        message::HANDLERS,
        network::HANDLERS,
        object::HANDLERS,
        patch::HANDLERS,
        plugin::HANDLERS,
        pool::HANDLERS,
        pool_change::HANDLERS,
        raw::HANDLERS,
        record::HANDLERS,
        resource_set::HANDLERS,
        role::HANDLERS,
        server::HANDLERS,
        storage::HANDLERS,
        storage_change::HANDLERS,
        system::HANDLERS,
        task::HANDLERS,
        tag::HANDLERS,
        token::HANDLERS,
        user::HANDLERS,
        vm::HANDLERS,
        vm_devices::HANDLERS,
        vm_make::HANDLERS,
    ]
    .concat();
    all.sort_unstable_by_key(|(name, _)| *name);
    all.into()
});

/// Returns the handler of an operation.
pub(crate) fn find(name: &str) -> Option<Handler> {
    HANDLERS.binary_search_by(|(known, _)| (*known).cmp(name)).ok().map(|index| HANDLERS[index].1)
}

fn texts(texts: &[&str]) -> Reply {
    Reply::Value(json!(texts))
}

fn id(id: String) -> Reply {
    Reply::Value(Value::String(id))
}

fn done(_: ()) -> Reply {
    Reply::Done
}

fn to_text(value: &impl serde::Serialize) -> Answer {
    serde_json::to_vec(value).map(Reply::Json).map_err(|error| Error::internal(&error))
}

fn json_text(text: String) -> Reply {
    Reply::Json(text.into_bytes())
}

fn limit_of(params: &Map<String, Value>) -> Result<Option<usize>, Error> {
    let Some(limit) = params.get("limit") else { return Ok(None) };
    let limit = limit.as_u64().ok_or_else(|| Failure::invalid("limit must not be negative"))?;
    Ok(Some(usize::try_from(limit).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use wire::OPERATIONS;

    use super::*;

    /// Served by `rest` itself: they set cookies or have no end.
    const OF_REST: &[&str] = &["auth.login", "auth.logout", "event.listen"];

    #[test]
    fn every_operation_has_one_handler() {
        assert!(HANDLERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for operation in OPERATIONS.iter() {
            let served = find(operation.name).is_some() || OF_REST.contains(&operation.name);
            if wire::later().any(|name| name == operation.name) {
                assert!(!served, "{} is served: take it off the list of what comes later", operation.name);
                continue;
            }
            assert!(served, "{} has no handler", operation.name);
        }
        for (name, _) in HANDLERS.iter() {
            assert!(wire::find(name).is_some(), "{name} is not in the table");
        }
    }
}
