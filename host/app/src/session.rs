//! Signing in: our own accounts first, then the plugins that vouch for people. A plugin vouches, we decide.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use model::{Caller, InstanceId, Millis, Permission, Principal, Secret, TokenId, UserId};
use plugin_runtime::{Identity, Verdict};
use serde_json::{Map, json};
use store::{Batch, Expect, Table};
use tracing::{info, warn};
use wire::Failure;

use crate::ctx::{App, Ctx};
use crate::error::{Error, Result};
use crate::token;
use crate::user::{self, User};

/// Validity of a browser session, as in Xen Orchestra: ten hours, thirty days when the person asks to be remembered.
const SESSION: Millis = 10 * 3_600_000;
const REMEMBERED_SESSION: Millis = 30 * 24 * 3_600_000;

/// Name by which a person asks for the daemon's own accounts.
pub const LOCAL: &str = "local";

/// What a person types.
#[derive(Debug)]
pub struct Credentials {
    /// Login name.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Plugin that the person chose; none = all are asked.
    pub provider: Option<String>,
    /// One-time password, for accounts that have one.
    pub otp: Option<String>,
}

/// Someone who has just signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub principal: Arc<Principal>,
    /// Until when, if the credentials end by themselves.
    pub expiration: Option<Millis>,
    /// The token that was used, if it was one.
    pub token: Option<TokenId>,
}

/// A way to sign in, for the sign-in page.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Provider {
    /// "local", or the plugin.
    pub id: String,
    /// For people.
    pub label: String,
    /// "password": a form with name and password.
    pub kind: &'static str,
}

pub(crate) fn link_key(instance: &InstanceId, subject: &str) -> String {
    format!("{instance}/{subject}")
}

/// Lists the ways to sign in: our own accounts, then each enabled plugin that checks passwords.
pub fn providers(app: &App) -> Vec<Provider> {
    let local = Provider { id: LOCAL.to_owned(), label: "Xylem".to_owned(), kind: "password" };
    let plugins = app.plugins.password_providers().into_iter().map(|(instance, label)| Provider {
        id: instance.to_string(),
        label,
        kind: "password",
    });
    std::iter::once(local).chain(plugins).collect()
}

/// Signs in by token.
pub fn with_token(app: &Arc<App>, token: &Secret, address: Option<IpAddr>) -> Result<SignedIn> {
    let record = app.token(token)?.ok_or(Failure::InvalidCredentials)?;
    let principal = app.principal(&record.user_id)?.ok_or(Failure::InvalidCredentials)?;
    token::used(app, &record.id, address);
    Ok(SignedIn { principal, expiration: Some(record.expiration), token: Some(record.id.clone()) })
}

/// Signs in by name and password.
pub async fn with_password(app: &Arc<App>, credentials: &Credentials, address: Option<IpAddr>) -> Result<SignedIn> {
    let name = credentials.username.trim();
    if credentials.password.is_empty() || name.is_empty() {
        // Before any provider: a directory may take an empty password for an anonymous bind and say yes.
        return Err(Error::from(Failure::InvalidCredentials).with_detail("empty name or password"));
    }
    if name.chars().count() > user::MAX_NAME {
        // Nobody has such a name, and it is not worth remembering who failed with it.
        return Err(Error::from(Failure::InvalidCredentials).with_detail("name too long"));
    }
    let now = app.clock.now();
    if !app.throttle.allows(name, address, now) {
        return Err(Failure::TooFast.into());
    }
    let anonymous = Ctx { app: app.clone(), caller: Caller::Anonymous, address, means: Arc::default() };
    let checked = match find_person(&anonymous, name, credentials).await {
        Ok(Some(user)) => app.check_code(&user, credentials.otp.as_deref()).map(|()| user),
        Ok(None) => Err(Failure::InvalidCredentials.into()),
        Err(error) => Err(error),
    };
    let error = match checked {
        Ok(user) => {
            app.throttle.succeeded(name, address, app.clock.now());
            let principal = app.principal(&user.id)?.ok_or(Failure::InvalidCredentials)?;
            return Ok(SignedIn { principal, expiration: None, token: None });
        }
        Err(error) => error,
    };
    match &error.failure {
        // Nothing was guessed: the person is asked for the code now, or was not looked at.
        Failure::OneTimePassword { is_missing: true } | Failure::TooFast => return Err(error),
        _ => app.throttle.failed(name, address, app.clock.now()),
    }
    let mut data = json!({ "userName": name });
    if error.failure != Failure::InvalidCredentials {
        data["reason"] = json!(error.detail.as_deref().unwrap_or(&error.failure.to_string()));
    }
    anonymous.audit("signInFailed", data).await;
    Err(error)
}

/// Makes the token of a browser session. Returns it and its validity in milliseconds.
pub async fn open(
    app: &App,
    user: &UserId,
    client: Option<String>,
    description: Option<String>,
    remember: bool,
) -> Result<(Secret, Millis)> {
    let validity = if remember { REMEMBERED_SESSION } else { SESSION };
    let request = token::Request { description, client: client.map(|id| token::Client { id }), expires_in: None };
    Ok((app.issue_token(user, request, validity).await?, validity))
}

/// Ends the session of a token.
pub async fn close(app: &App, token: &Secret) -> Result<()> {
    let id = token::id_of(token);
    app.forget_tokens(&[id]).await
}

async fn find_person(ctx: &Ctx, name: &str, credentials: &Credentials) -> Result<Option<User>> {
    let app = &ctx.app;
    let own = app.user_by_name(name)?.map(|stored| stored.value);
    let hash = own.as_ref().and_then(|user| user.password_hash.as_deref());
    let plugins = app.plugins.password_providers();
    if hash.is_some() || plugins.is_empty() {
        let id = own.as_ref().map(|user| &user.id);
        let still = || app.throttle.allows(name, ctx.address, app.clock.now());
        if app.passwords.verify(id, hash, &credentials.password, app.clock.now(), still).await? {
            return Ok(own);
        }
        if hash.is_some() {
            // The mistyped password of a local account is not shown to a directory.
            return Ok(None);
        }
    }
    let linked = own.as_ref().map(|user| &user.providers);
    for (instance, _) in plugins {
        let is_linked = linked.is_some_and(|linked| linked.contains_key(&instance));
        let is_wanted = match (&credentials.provider, linked) {
            (Some(wanted), _) => wanted == instance.as_str(),
            (None, Some(linked)) if !linked.is_empty() => is_linked,
            (None, _) => true,
        };
        if !is_wanted {
            continue;
        }
        match crate::plugin::authenticate(ctx, &instance, name, &credentials.password).await {
            Ok(Verdict::Accepted(identity)) => return link_or_provision(ctx, &instance, identity).await.map(Some),
            Ok(Verdict::Refused(reason)) => {
                info!(plugin = %instance, user = name, reason, "sign-in refused");
                if is_linked {
                    return Ok(None);
                }
            }
            Ok(Verdict::Unknown) => {}
            Err(error) => warn!(plugin = %instance, %error, "sign-in provider failed; the next one is asked"),
        }
    }
    Ok(None)
}

/// Returns the account of an identity that a plugin vouches for; at the first sign-in it is made, with permission none.
async fn link_or_provision(ctx: &Ctx, instance: &InstanceId, identity: Identity) -> Result<User> {
    let key = link_key(instance, &identity.subject);
    if identity.subject.is_empty() {
        return Err(Failure::Internal(format!("{instance} gave a person without a stable id")).into());
    }
    if let Some(link) = ctx.app.store.get::<UserId>(Table::Links, &key)? {
        let user = ctx.app.user(&link.value)?;
        return Ok(user.ok_or_else(|| Failure::Internal(format!("the account of {key} is gone")))?.value);
    }
    let user = User {
        id: UserId::random(),
        email: identity.username.trim().to_owned(),
        password_hash: None,
        permission: Permission::None,
        preferences: Map::new(),
        otp: None,
        providers: BTreeMap::from([(instance.clone(), identity.subject.clone())]),
        initial_password: false,
    };
    let link = Batch::new().put(Table::Links, &key, &user.id, Expect::Absent)?;
    match ctx.app.insert_user(&user, link).await {
        Ok(()) => {}
        Err(Error { failure: Failure::AlreadyExists { .. }, .. }) => {
            let reason = format!(
                "the name \"{}\" belongs to another account here; an administrator has to rename one of the two",
                user.email
            );
            return Err(Failure::Forbidden { operation: "sign in".into(), reason }.into());
        }
        Err(error) => return Err(error),
    }
    ctx.app.audit_as(&Caller::Plugin(instance.clone()), "userProvisioned", json!({ "user": user.email })).await;
    info!(plugin = %instance, user = %user.email, "account made at the first sign-in");
    Ok(user)
}
