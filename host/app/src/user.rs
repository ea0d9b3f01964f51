//! Accounts: who may sign in, and what they may do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::{Caller, GroupId, InstanceId, Permission, Principal, Rights, Secret, UserId};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{Batch, Expect, Sealed, Stored, Table};
use tracing::info;
use wire::Failure;

use crate::ctx::{App, Ctx, Notice};
use crate::error::{Error, Result};
use crate::role::Holder;
use crate::{otp, token};

/// Name of the first administrator.
pub const FIRST_ADMIN: &str = "admin";

/// Letters and digits of a generated password: 24 of 62 are 142 bits.
const PASSWORD_LENGTH: usize = 24;

/// Longest login name, in characters.
pub(crate) const MAX_NAME: usize = 256;

/// Accounts listed at once; beyond it the list would need pages.
const LISTED: usize = 100_000;

/// An account as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Login name; need not be a mail address. Unique without regard to case.
    pub email: String,
    /// argon2id; none = signs in through a provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Global permission.
    #[serde(default)]
    pub permission: Permission,
    /// Settings of the person and of web clients.
    #[serde(default)]
    pub preferences: Map<String, Value>,
    /// The secret of its one-time passwords, if it has them; clients know it as the preference `otp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otp: Option<Sealed>,
    /// Who vouches for the person: plugin instance -> stable id there.
    #[serde(default)]
    pub providers: BTreeMap<InstanceId, String>,
    /// Whether the password is still the generated one.
    #[serde(default)]
    pub initial_password: bool,
}

impl User {
    /// Returns what the API shows of an account that is in these groups.
    fn view(&self, groups: &[GroupId]) -> Value {
        let mut view = json!({
            "id": self.id,
            "email": self.email,
            "groups": groups,
            "permission": self.permission,
            "preferences": self.preferences,
        });
        if self.otp.is_some() {
            view["preferences"][otp::PREFERENCE] = json!(otp::SHOWN);
        }
        if !self.providers.is_empty() {
            view["authProviders"] =
                self.providers.iter().map(|(id, subject)| (id.to_string(), json!({ "id": subject }))).collect();
        }
        if self.initial_password {
            view["passwordChangeSuggested"] = Value::Bool(true);
        }
        view
    }
}

/// Changes to an account; what is none stays.
#[derive(Debug, Default, Deserialize)]
pub struct Changes {
    /// New login name.
    pub email: Option<String>,
    /// New password.
    pub password: Option<Secret>,
    /// New global permission.
    pub permission: Option<Permission>,
    /// Preferences to merge in; null deletes one.
    pub preferences: Option<Map<String, Value>>,
}

pub(crate) fn id_key(id: &UserId) -> String {
    format!("id/{id}")
}

fn name_key(name: &str) -> String {
    format!("name/{}", name.to_lowercase())
}

impl App {
    /// Returns the account of that id.
    pub fn user(&self, id: &UserId) -> Result<Option<Stored<User>>> {
        Ok(self.store.get(Table::Users, &id_key(id))?)
    }

    /// Returns the account of that id as calls carry it.
    pub fn principal(&self, id: &UserId) -> Result<Option<Arc<Principal>>> {
        // They only grow, so their sum stays the same for as long as all do.
        let tables = [Table::Users, Table::Acls, Table::Groups, Table::Roles].map(|table| self.store.version(table));
        let version = tables.iter().sum::<u64>() + self.known.offers_version.load(Ordering::Acquire);
        self.known.principals.get(version, id.as_str(), || {
            let Some(user) = self.user(id)? else { return Ok(None) };
            let User { email, permission, .. } = user.value;
            let rights = if permission == Permission::Admin { Rights::default() } else { self.rights(id)? };
            Ok(Some(Arc::new(Principal { id: id.clone(), name: email, permission, rights: rights.into() })))
        })
    }

    /// Returns what the API shows of the account of that id.
    pub fn user_view(&self, id: &UserId) -> Result<Option<Value>> {
        let Some(user) = self.user(id)? else { return Ok(None) };
        Ok(Some(user.value.view(&self.groups_of(id)?)))
    }

    /// Returns the account of that name, whatever its case.
    pub(crate) fn user_by_name(&self, name: &str) -> Result<Option<Stored<User>>> {
        match self.store.get::<UserId>(Table::Users, &name_key(name))? {
            Some(id) => self.user(&id.value),
            None => Ok(None),
        }
    }

    /// Stores a new account; the name is taken in the same transaction.
    pub(crate) async fn insert_user(&self, user: &User, extra: Batch) -> Result<()> {
        let batch = extra.put(Table::Users, &name_key(&user.email), &user.id, Expect::Absent)?.put(
            Table::Users,
            &id_key(&user.id),
            user,
            Expect::Absent,
        )?;
        match self.store.commit(batch).await {
            Err(store::Error::Conflict { .. }) => {
                Err(Failure::AlreadyExists { id: user.email.clone(), kind: "user".into() }.into())
            }
            other => Ok(other?),
        }
    }

    async fn save(&self, stored: &Stored<User>, user: &User) -> Result<()> {
        let mut batch = Batch::new().put(Table::Users, &id_key(&user.id), user, Expect::Revision(stored.revision))?;
        let (before, after) = (name_key(&stored.value.email), name_key(&user.email));
        if before != after {
            batch =
                batch.delete(Table::Users, &before, Expect::Any).put(Table::Users, &after, &user.id, Expect::Absent)?;
        }
        match self.store.commit(batch).await {
            Err(store::Error::Conflict { key, .. }) if key == after => {
                Err(Failure::AlreadyExists { id: user.email.clone(), kind: "user".into() }.into())
            }
            other => Ok(other?),
        }
    }

    /// Creates the first administrator if there is no account yet. The password comes from `password_file` or is made
    /// up, and then written to [`App::initial_password_file`]; it is never logged.
    ///
    /// Returns whether one was created.
    pub async fn ensure_first_admin(&self, password_file: Option<&Path>) -> Result<bool> {
        if !self.store.scan::<Value>(Table::Users, "id/", None, 1)?.is_empty() {
            return Ok(false);
        }
        let given = match password_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|cause| {
                    Error::from(Failure::Internal(format!("read the password file {}: {cause}", path.display())))
                })?;
                Some(Secret::new(text.trim_end_matches(['\r', '\n'])))
            }
            None => None,
        };
        let initial_password = given.is_none();
        let password = given.unwrap_or_else(random_password);
        if password.is_empty() {
            return Err(Failure::Internal("the password file is empty".into()).into());
        }
        let user = User {
            id: UserId::random(),
            email: FIRST_ADMIN.to_owned(),
            password_hash: Some(self.passwords.hash(&password).await?),
            permission: Permission::Admin,
            preferences: Map::new(),
            otp: None,
            providers: BTreeMap::new(),
            initial_password,
        };
        if initial_password {
            // Before the account: an account whose password nobody knows would lock everybody out.
            write_private(&self.initial_password_file(), &format!("{}\n", password.expose()))
                .map_err(|cause| Error::internal(&cause))?;
        }
        self.insert_user(&user, Batch::new()).await?;
        info!(user = FIRST_ADMIN, "first administrator created");
        Ok(true)
    }

    /// Where the password of the first administrator stands until it is changed.
    pub fn initial_password_file(&self) -> PathBuf {
        self.settings.state.join("admin-password")
    }
}

/// Lists the accounts.
pub fn get_all(ctx: &Ctx) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    let mut groups = ctx.app.groups_of_all()?;
    let stored = ctx.app.store.scan::<User>(Table::Users, "id/", None, LISTED)?;
    let view = |user: User| user.view(&groups.remove(&user.id).unwrap_or_default());
    Ok(stored.into_iter().map(|(_, stored)| stored.value).map(view).collect())
}

/// Returns an account: its own to anybody, others to administrators.
pub fn get(ctx: &Ctx, id: &UserId) -> Result<Value> {
    let no_such = || Failure::no_such(id.as_str(), "user");
    let id = access::own_or_admin(&ctx.caller, id.clone()).map_err(|_| no_such())?;
    Ok(ctx.app.user_view(&id)?.ok_or_else(no_such)?)
}

/// Creates an account and returns its id.
pub async fn create(ctx: &Ctx, name: &str, password: &Secret, permission: Permission) -> Result<UserId> {
    let _admin = access::admin(&ctx.caller)?;
    let user = User {
        id: UserId::random(),
        email: check_name(name)?,
        password_hash: Some(ctx.app.passwords.hash(password).await?),
        permission,
        preferences: Map::new(),
        otp: None,
        providers: BTreeMap::new(),
        initial_password: false,
    };
    ctx.app.insert_user(&user, Batch::new()).await?;
    Ok(user.id)
}

/// Changes an account. Who is no administrator may change their own preferences only.
pub async fn set(ctx: &Ctx, id: &UserId, changes: Changes) -> Result<()> {
    let own = ctx.caller.principal().is_some_and(|principal| principal.id == *id);
    let only_preferences = changes.email.is_none() && changes.password.is_none() && changes.permission.is_none();
    if !(own && only_preferences) {
        let _admin = access::admin(&ctx.caller)?;
    }
    if own && changes.permission.is_some() {
        return Err(Failure::invalid("a user cannot change its own permission").into());
    }
    let stored = ctx.app.user(id)?.ok_or_else(|| Failure::no_such(id.as_str(), "user"))?;
    let mut user = stored.value.clone();
    if !user.providers.is_empty() && (changes.email.is_some() || changes.password.is_some()) {
        let reason = "the name and the password of this account belong to its sign-in provider";
        return Err(Failure::Forbidden { operation: "user.set".into(), reason: reason.into() }.into());
    }
    if let Some(name) = changes.email {
        user.email = check_name(&name)?;
    }
    if let Some(permission) = changes.permission {
        user.permission = permission;
    }
    for (name, value) in changes.preferences.unwrap_or_default() {
        if name == otp::PREFERENCE {
            set_otp(ctx, &mut user, &value)?;
        } else if value.is_null() {
            user.preferences.remove(&name);
        } else {
            user.preferences.insert(name, value);
        }
    }
    let new_permission = user.permission != stored.value.permission;
    let new_password = changes.password.is_some();
    if let Some(password) = changes.password {
        if password.is_empty() {
            return Err(Failure::invalid("the new password is empty").into());
        }
        user.password_hash = Some(ctx.app.passwords.hash(&password).await?);
    }
    finish_change(ctx, &stored, user, new_password).await?;
    if new_permission {
        ctx.app.rights_changed([id.clone()]);
    }
    Ok(())
}

fn set_otp(ctx: &Ctx, user: &mut User, value: &Value) -> Result<()> {
    user.otp = match value.as_str() {
        // A client gives back what it was shown.
        Some(otp::SHOWN) => return Ok(()),
        None if value.is_null() => None,
        text => {
            let secret = otp::check_secret(text.unwrap_or_default())?;
            Some(ctx.app.store.seal(Table::Users, &id_key(&user.id), otp::PREFERENCE, &secret)?)
        }
    };
    Ok(())
}

/// Takes the link of an account to a sign-in provider away: who is behind it there is a stranger from now on.
pub async fn remove_auth_provider(ctx: &Ctx, id: &UserId, provider: &InstanceId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let stored = ctx.app.user(id)?.ok_or_else(|| Failure::no_such(id.as_str(), "user"))?;
    let mut user = stored.value.clone();
    let subject = user.providers.remove(provider);
    let subject = subject.ok_or_else(|| Failure::no_such(provider.as_str(), "authentication provider"))?;
    let is_self = ctx.caller.principal().is_some_and(|principal| principal.id == *id);
    if is_self && user.password_hash.is_none() && user.providers.is_empty() {
        let reason = "it is the only way in that is left for your own account";
        return Err(Failure::Forbidden { operation: "user.removeAuthProvider".into(), reason: reason.into() }.into());
    }
    let batch = Batch::new().put(Table::Users, &id_key(id), &user, Expect::Revision(stored.revision))?.delete(
        Table::Links,
        &crate::session::link_key(provider, &subject),
        Expect::Any,
    );
    Ok(ctx.app.store.commit(batch).await?)
}

/// Changes the caller's own password.
pub async fn change_password(ctx: &Ctx, old: &Secret, new: &Secret) -> Result<()> {
    let Caller::User(principal) = &ctx.caller else { return Err(Failure::InvalidCredentials.into()) };
    let stored = ctx.app.user(&principal.id)?.ok_or_else(|| Failure::no_such(principal.id.as_str(), "user"))?;
    let mut user = stored.value.clone();
    if user.password_hash.is_none() {
        let reason = "this account signs in through its provider; change the password there";
        return Err(Failure::Forbidden { operation: "user.changePassword".into(), reason: reason.into() }.into());
    }
    let now = ctx.app.clock.now();
    if !ctx.app.throttle.allows(&user.email, ctx.address, now) {
        return Err(Failure::TooFast.into());
    }
    let still = || ctx.app.throttle.allows(&user.email, ctx.address, ctx.app.clock.now());
    if !ctx.app.passwords.verify(Some(&user.id), user.password_hash.as_deref(), old, now, still).await? {
        ctx.app.throttle.failed(&user.email, ctx.address, now);
        return Err(Failure::InvalidCredentials.into());
    }
    user.password_hash = Some(ctx.app.passwords.hash(new).await?);
    finish_change(ctx, &stored, user, true).await
}

async fn finish_change(ctx: &Ctx, stored: &Stored<User>, mut user: User, new_password: bool) -> Result<()> {
    let initial = user.initial_password && new_password;
    if new_password {
        user.initial_password = false;
    }
    ctx.app.save(stored, &user).await?;
    if initial {
        // The account is safe already; a file that cannot be removed is told, because it looks like a valid password.
        let path = ctx.app.initial_password_file();
        if let Err(cause) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %cause, "the file of the first password could not be removed");
        }
    }
    Ok(())
}

/// Deletes an account, its tokens, its links to providers and what it was granted; its connections end.
pub async fn delete(ctx: &Ctx, id: &UserId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    if ctx.caller.principal().is_some_and(|principal| principal.id == *id) {
        return Err(Failure::invalid("a user cannot delete itself").into());
    }
    loop {
        let stored = ctx.app.user(id)?.ok_or_else(|| Failure::no_such(id.as_str(), "user"))?;
        let user = &stored.value;
        let mut batch = Batch::new().delete(Table::Users, &id_key(id), Expect::Revision(stored.revision)).delete(
            Table::Users,
            &name_key(&user.email),
            Expect::Any,
        );
        for (instance, subject) in &user.providers {
            batch = batch.delete(Table::Links, &crate::session::link_key(instance, subject), Expect::Any);
        }
        for token in ctx.app.tokens_of(id)? {
            batch = token::forget(batch, &token.id);
        }
        let batch = ctx.app.forget_subject(batch, id.as_str())?;
        let batch = ctx.app.leave_groups(batch, id)?;
        let batch = ctx.app.give_up_roles(batch, &Holder::User(id.clone()))?;
        match ctx.app.store.commit(batch).await {
            // It, or a group that it is in, was changed at the same moment.
            Err(store::Error::Conflict { .. }) => {}
            other => break other?,
        }
    }
    ctx.app.notify(Notice::UserRemoved(id.clone()));
    Ok(())
}

pub(crate) fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    let fine = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    if fine { Ok(name.to_owned()) } else { Err(Failure::invalid("the name must have 1 to 256 characters").into()) }
}

fn random_password() -> Secret {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = rand::rng();
    let text: String = (0..PASSWORD_LENGTH).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect();
    Secret::new(text)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    // A file of an earlier first start that never finished may be there; it is replaced, not written through.
    if let Err(cause) = std::fs::remove_file(path)
        && cause.kind() != std::io::ErrorKind::NotFound
    {
        return Err(cause);
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
