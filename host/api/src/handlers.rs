//! From the names of the table to the verbs of `app`: one line each, and nothing is decided here.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use app::object::Selection;
use app::session::{self, Credentials};
use app::stats::Granularity;
use app::{Ctx, Error, Query, acl, object, plugin, server, stats, token, user, vm};
use bytes::Bytes;
use model::{InstanceId, Secret, ServerId, UserId};
use plugin_runtime::{Grant, Mode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use wire::{Failure, OPERATIONS};

use crate::answers::{Answers, Known, Question};
use crate::listing::{Form, Item, Listing, append_json};
use crate::session::Session;
use crate::tickets::Tickets;
use crate::watch;

/// A call on its way to a verb: permission and shape of the parameters are checked.
pub(crate) struct Call {
    pub ctx: Ctx,
    pub session: Arc<Session>,
    pub tickets: Tickets,
    pub answers: Answers,
    pub params: Map<String, Value>,
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
        /// Every operation of the table that has a handler, by name.
        const HANDLERS: &[(&str, Handler)] = &[$(($name, |$call: Call| {
            #[allow(unused_mut)]
            let mut $call = $call;
            Box::pin(async move { $body })
        }),)*];
    };
}

/// Returns the handler of an operation.
pub(crate) fn find(name: &str) -> Option<Handler> {
    HANDLERS.binary_search_by(|(known, _)| (*known).cmp(name)).ok().map(|index| HANDLERS[index].1)
}

handlers! {
    "acl.add" => |call| {
        let acl = call.take()?;
        acl::add(&call.ctx, acl).await.map(done)
    };
    "acl.get" => |call| acl::get(&call.ctx).map(|entries| Reply::Value(Value::Array(entries)));
    "acl.getCurrentPermissions" => |call| acl::current_permissions(&call.ctx).map(Reply::Value);
    "acl.remove" => |call| {
        let acl = call.take()?;
        acl::remove(&call.ctx, acl).await.map(done)
    };
    "auth.providers" => |call| Ok(Reply::Value(json!(session::providers(&call.ctx.app))));
    "auth.session" => |call| Ok(Reply::Value(json!({ "user": own_view(&call.ctx)? })));
    "host.get" => |call| one(&call, "host");
    "host.list" => |call| list(&call, "hosts");
    "host.stats" => |call| to_text(&stats::host(&call.ctx, call.text("host"), call.granularity()?).await?);
    "inventory.counts" => |call| {
        let Counts { by, filter } = call.take()?;
        app::watch::counts(&call.ctx, &by, filter.as_deref()).await.map(json_text)
    };
    "inventory.unwatch" => |call| {
        call.session.watches.end(call.text("watch"));
        Ok(Reply::Done)
    };
    "inventory.watch" => |call| {
        let asked = call.take()?;
        watch::start(&call.ctx.app, &call.session, asked).await.map(json_text)
    };
    "message.get" => |call| one(&call, "message");
    "message.list" => |call| list(&call, "messages");
    "network.get" => |call| one(&call, "network");
    "network.list" => |call| list(&call, "networks");
    "pbd.get" => |call| one(&call, "PBD");
    "pbd.list" => |call| list(&call, "pbds");
    "pci.get" => |call| one(&call, "PCI");
    "pci.list" => |call| list(&call, "pcis");
    "pgpu.get" => |call| one(&call, "PGPU");
    "pgpu.list" => |call| list(&call, "pgpus");
    "pif.get" => |call| one(&call, "PIF");
    "pif.list" => |call| list(&call, "pifs");
    "plugin.configure" => |call| {
        let configuration = call.params.get("configuration").cloned().unwrap_or_default();
        plugin::configure(&call.ctx, &call.instance(), &configuration).await.map(done)
    };
    "plugin.disableAutoload" => |call| plugin::disable_autoload(&call.ctx, &call.instance()).await.map(done);
    "plugin.enableAutoload" => |call| plugin::enable_autoload(&call.ctx, &call.instance()).await.map(done);
    "plugin.get" => |call| {
        plugin::refresh(&call.ctx).await;
        plugin::get(&call.ctx).map(|views| Reply::Value(Value::Array(views)))
    };
    "plugin.grant" => |call| {
        let instance = call.instance();
        let GrantParams { capability, mode, options } = call.take()?;
        plugin::grant(&call.ctx, &instance, Grant { capability, mode, options }).await.map(done)
    };
    "plugin.load" => |call| plugin::load(&call.ctx, &call.instance()).await.map(done);
    "plugin.purgeConfiguration" => |call| plugin::purge_configuration(&call.ctx, &call.instance()).await.map(done);
    "plugin.revoke" => |call| plugin::revoke(&call.ctx, &call.instance(), call.text("capability")).await.map(done);
    "plugin.test" => |call| {
        let TestParams { id, data, configuration, grants } = call.take()?;
        let grants = grants.into_iter().map(|grant| Grant {
            capability: grant.capability, mode: grant.mode, options: grant.options,
        });
        let (id, grants) = (InstanceId::from(id), grants.collect());
        let tested = plugin::test(&call.ctx, &id, configuration.as_ref(), data.as_ref(), grants).await?;
        Ok(Reply::Value(json!(tested)))
    };
    "plugin.unload" => |call| plugin::unload(&call.ctx, &call.instance()).await.map(done);
    "pool.get" => |call| one(&call, "pool");
    "pool.list" => |call| list(&call, "pools");
    "pool.stats" => |call| to_text(&stats::pool(&call.ctx, call.text("id"), call.granularity()?).await?);
    "rest.ping" => |call| {
        Ok(Reply::Value(json!({ "result": "pong", "timestamp": call.ctx.app.clock.now() })))
    };
    "role.getAll" => |_call| Ok(Reply::Value(acl::roles()));
    "server.add" => |call| {
        let new = call.take()?;
        Ok(Reply::Value(json!(server::add(&call.ctx, new).await?)))
    };
    "server.disable" => |call| server::disable(&call.ctx, &call.server()).await.map(done);
    "server.enable" => |call| server::enable(&call.ctx, &call.server()).await.map(done);
    "server.getAll" => |call| server::get_all(&call.ctx).map(|views| Reply::Value(Value::Array(views)));
    "server.remove" => |call| server::remove(&call.ctx, &call.server()).await.map(done);
    "server.set" => |call| {
        let id = call.server();
        call.params.remove("id");
        let changes = call.take()?;
        server::set(&call.ctx, &id, changes).await.map(done)
    };
    "session.getUser" => |call| own_view(&call.ctx).map(Reply::Value);
    "session.signIn" => |call| sign_in(call).await;
    "session.signInWithPassword" => |call| sign_in(call).await;
    "session.signInWithToken" => |call| sign_in(call).await;
    "session.signOut" => |call| {
        call.session.sign_out();
        Ok(Reply::Done)
    };
    "session.subscribe" => |call| {
        let Topics { topics, all } = call.take()?;
        call.session.subscribe(topics, all.unwrap_or(true));
        Ok(Reply::Done)
    };
    "sm.get" => |call| one(&call, "SM");
    "sm.list" => |call| list(&call, "sms");
    "sr.get" => |call| one(&call, "SR");
    "sr.list" => |call| list(&call, "srs");
    "sr.stats" => |call| to_text(&stats::sr(&call.ctx, call.text("id"), call.granularity()?).await?);
    "system.getMethodsInfo" => |_call| {
        let methods = OPERATIONS.iter().filter(|operation| operation.rpc);
        Ok(Reply::Value(methods.map(|operation| (operation.name.to_owned(), wire::method_info(operation))).collect()))
    };
    "system.getServerTimezone" => |_call| Ok(Reply::Value(json!(app::time_zone())));
    "system.getServerVersion" => |call| Ok(Reply::Value(json!(call.ctx.app.settings.version)));
    "system.getVersion" => |_call| Ok(Reply::Value(json!("0.1")));
    "system.listMethods" => |_call| {
        let methods = OPERATIONS.iter().filter(|operation| operation.rpc);
        Ok(Reply::Value(methods.map(|operation| operation.name).collect()))
    };
    "system.methodSignature" => |call| {
        let found = wire::find(call.text("method")).filter(|operation| operation.rpc);
        let operation = found.ok_or_else(|| Failure::no_such(call.text("method"), "method"))?;
        let mut info = wire::method_info(operation);
        info["name"] = json!(operation.name);
        Ok(Reply::Value(json!([info])))
    };
    "token.create" => |call| {
        let request = call.take()?;
        Ok(Reply::Value(json!(token::create(&call.ctx, request).await?.expose())))
    };
    "token.delete" => |call| {
        let Tokens { tokens } = call.take()?;
        token::delete(&call.ctx, &tokens).await.map(done)
    };
    "token.deleteOwn" => |call| {
        let Tokens { tokens } = call.take()?;
        token::delete_own(&call.ctx, &tokens).await.map(done)
    };
    "user.changePassword" => |call| {
        let (old, new) = (Secret::new(call.text("oldPassword")), Secret::new(call.text("newPassword")));
        user::change_password(&call.ctx, &old, &new).await.map(done)
    };
    "user.create" => |call| {
        let NewUser { email, password, permission } = call.take()?;
        Ok(Reply::Value(json!(user::create(&call.ctx, &email, &password, permission).await?)))
    };
    "user.delete" => |call| user::delete(&call.ctx, &UserId::from(call.text("id"))).await.map(done);
    "user.getAll" => |call| {
        let users = user::get_all(&call.ctx)?;
        Ok(Reply::Value(users.iter().map(user::User::view).collect()))
    };
    "user.getAuthenticationTokens" => |call| {
        Ok(Reply::Value(token::get_own(&call.ctx)?.iter().map(token::Token::view).collect()))
    };
    "user.set" => |call| {
        let id = UserId::from(call.text("id"));
        let changes = call.take()?;
        user::set(&call.ctx, &id, changes).await.map(done)
    };
    "vbd.get" => |call| one(&call, "VBD");
    "vbd.list" => |call| list(&call, "vbds");
    "vdi-snapshot.get" => |call| one(&call, "VDI-snapshot");
    "vdi-snapshot.list" => |call| list(&call, "vdi-snapshots");
    "vdi.get" => |call| one(&call, "VDI");
    "vdi.list" => |call| list(&call, "vdis");
    "vif.get" => |call| one(&call, "VIF");
    "vif.list" => |call| list(&call, "vifs");
    "vm-controller.get" => |call| one(&call, "VM-controller");
    "vm-controller.list" => |call| list(&call, "vm-controllers");
    "vm-snapshot.get" => |call| one(&call, "VM-snapshot");
    "vm-snapshot.list" => |call| list(&call, "vm-snapshots");
    "vm-template.get" => |call| one(&call, "VM-template");
    "vm-template.list" => |call| list(&call, "vm-templates");
    "vm.get" => |call| one(&call, "VM");
    "vm.list" => |call| list(&call, "vms");
    "vm.restart" => |call| {
        let (id, options) = (call.text("id").to_owned(), call.take()?);
        vm::restart(&call.ctx, &id, options).await.map(done)
    };
    "vm.set" => |call| {
        let (id, changes) = (call.text("id").to_owned(), call.take()?);
        vm::set(&call.ctx, &id, changes).await.map(done)
    };
    "vm.start" => |call| {
        let (id, options) = (call.text("id").to_owned(), call.take()?);
        vm::start(&call.ctx, &id, options).await.map(done)
    };
    "vm.stats" => |call| to_text(&stats::vm(&call.ctx, call.text("id"), call.granularity()?).await?);
    "vm.stop" => |call| {
        let (id, options) = (call.text("id").to_owned(), call.take()?);
        vm::stop(&call.ctx, &id, options).await.map(done)
    };
    "xo.getAllObjects" => |call| {
        if call.flag("ndjson") {
            // What is wrong with the question is said now, not by the address.
            Query::of(call.params.get("filter"))?;
            let path = call.tickets.issue(&call.ctx, call.session.clone(), call.params);
            return Ok(Reply::Value(json!({ "$getFrom": path })));
        }
        let selection = everything(&call.ctx, &call.params)?;
        let listing = Listing::new(&call.ctx.app.inventory, selection, Form::Map, Item::Object);
        Ok(Reply::Listing(Box::new(listing)))
    };
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

#[derive(Deserialize)]
struct GrantParams {
    capability: String,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    options: Value,
}

#[derive(Deserialize)]
struct TestParams {
    id: String,
    data: Option<Value>,
    configuration: Option<Value>,
    #[serde(default)]
    grants: Vec<GrantParams>,
}

#[derive(Deserialize)]
struct Counts {
    by: Vec<String>,
    filter: Option<String>,
}

#[derive(Deserialize)]
struct Topics {
    topics: Vec<String>,
    all: Option<bool>,
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<String>,
}

#[derive(Deserialize)]
struct NewUser {
    email: String,
    password: Secret,
    #[serde(default)]
    permission: model::Permission,
}

fn own_view(ctx: &Ctx) -> Result<Value, Error> {
    let refused = || Error::from(Failure::Unauthorized { permission: "signed in".into(), object: None });
    let principal = ctx.caller.principal().ok_or_else(refused)?;
    let user = ctx.app.user(&principal.id)?.ok_or_else(refused)?;
    Ok(user.value.view())
}

async fn sign_in(call: Call) -> Answer {
    let name = ["username", "email"].into_iter().map(|name| call.text(name)).find(|name| !name.is_empty());
    let signed_in = match (call.params.get("token").and_then(Value::as_str), name) {
        (Some(token), _) => session::with_token(&call.ctx.app, &Secret::new(token)).await?,
        (None, Some(name)) => {
            let credentials =
                Credentials { username: name.to_owned(), password: Secret::new(call.text("password")), provider: None };
            session::with_password(&call.ctx.app, &credentials, call.ctx.address).await?
        }
        (None, None) => return Err(Failure::InvalidCredentials.into()),
    };
    let user = call.ctx.app.user(&signed_in.principal.id)?.ok_or(Failure::InvalidCredentials)?;
    call.session.sign_in(signed_in);
    Ok(Reply::Value(user.value.view()))
}

/// Returns what `xo.getAllObjects` asks for with these parameters.
pub(crate) fn everything(ctx: &Ctx, params: &Map<String, Value>) -> Result<Selection, Error> {
    Ok(object::select(ctx, Query::of(params.get("filter"))?, limit_of(params)?))
}

fn limit_of(params: &Map<String, Value>) -> Result<Option<usize>, Error> {
    let Some(limit) = params.get("limit") else { return Ok(None) };
    let limit = limit.as_u64().ok_or_else(|| Failure::invalid("limit must not be negative"))?;
    Ok(Some(usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// Returns the objects of a collection: addresses only, or with fields.
fn list(call: &Call, collection: &str) -> Answer {
    let known = wire::collection(collection).ok_or(Failure::NotImplemented)?;
    let query = Query::in_collection(known, call.params.get("filter").and_then(Value::as_str))?;
    let selection = object::select(&call.ctx, query, limit_of(&call.params)?);
    let base = format!("{}/{collection}", wire::REST_BASE);
    let form = if call.flag("ndjson") { Form::Lines } else { Form::Array };
    let item = match fields_of(call) {
        None => Item::Href(base),
        Some(None) => Item::WithHref(base),
        Some(Some(fields)) => Item::Fields(fields, base),
    };
    let mut recording = None;
    // Whole objects are copied from what is kept of each; the others take some work.
    if !matches!(item, Item::WithHref(_))
        && let Some(revision) = selection.changed_at()
    {
        let params = Value::Object(call.params.clone());
        let question = Question { class: selection.class(), text: format!("{collection} {params}") };
        match call.answers.ask(question, revision) {
            Known::Answer(bytes) => return Ok(Reply::Kept(bytes, form.content_type())),
            Known::Question(worth) => recording = Some(worth),
            Known::Nothing => {}
        }
    }
    let listing = Listing::new(&call.ctx.app.inventory, selection, form, item);
    Ok(Reply::Listing(Box::new(listing.recorded(recording))))
}

fn one(call: &Call, kind: &str) -> Answer {
    let object = object::get(&call.ctx, call.text("id"), &[kind])?;
    let mut json = Vec::new();
    match fields_of(call).flatten() {
        None => call.ctx.app.inventory.json().append_value(&object, &mut json),
        Some(fields) => append_json(&object.view(Some(&fields), &[]), &mut json),
    }
    Ok(Reply::Json(json))
}

/// Returns the fields that are asked for: none = no fields at all, some(none) = all.
fn fields_of(call: &Call) -> Option<Option<Vec<String>>> {
    let fields = call.params.get("fields").and_then(Value::as_str)?;
    if fields == "*" {
        return Some(None);
    }
    Some(Some(fields.split(',').map(|field| field.trim().to_owned()).filter(|field| !field.is_empty()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Served by `rest` itself, because they set cookies.
    const WITH_COOKIES: &[&str] = &["auth.login", "auth.logout"];

    #[test]
    fn handlers_are_sorted_and_every_operation_has_one() {
        assert!(HANDLERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for operation in OPERATIONS {
            let served = find(operation.name).is_some() || WITH_COOKIES.contains(&operation.name);
            assert!(served, "{} has no handler", operation.name);
        }
        for (name, _) in HANDLERS {
            assert!(wire::find(name).is_some(), "{name} is not in the table");
        }
    }
}
