//! Access lists: who has which role on which object.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Entry, GroupId, Levels, Rights, UserId};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{Batch, Expect, Table};
use wire::Failure;

use crate::ctx::{App, Ctx};
use crate::error::Result;

/// The roles of the public API.
const ROLES: [(&str, &str); 3] = [("viewer", "Viewer"), ("operator", "Operator"), ("admin", "Admin")];

/// Ids are UUIDs, or two of them for a template; more is a mistake.
const MAX_ID: usize = 200;

/// Entries of one account: read together when it signs in, in some milliseconds. Who has more wants a pool.
const MAX_ENTRIES: usize = 10_000;

/// Entries of all accounts that are listed at once.
const LISTED: usize = 1_000_000;

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// Account or group.
    pub subject: String,
    /// Object of a pool; it may be away at the moment.
    pub object: String,
    /// Role: viewer, operator, admin.
    pub action: String,
}

fn prefix(subject: &str) -> String {
    format!("{subject}/")
}

impl Acl {
    fn key(&self) -> String {
        format!("{}{}/{}", prefix(&self.subject), self.object, self.action)
    }

    /// Returns it as decisions read it.
    pub(crate) fn entry(&self) -> Entry<'_> {
        Entry { subject: &self.subject, object: &self.object, action: &self.action }
    }

    /// Returns the public form. The id only has to be the same for the same entry, so it is a hash of it.
    fn view(&self) -> Value {
        let id = URL_SAFE_NO_PAD.encode(&digest(&SHA256, self.key().as_bytes()).as_ref()[..12]);
        json!({ "id": id, "subject": self.subject, "object": self.object, "action": self.action })
    }
}

impl App {
    /// Returns the entries that begin so.
    fn acls(&self, prefix: &str, limit: usize) -> Result<Vec<Acl>> {
        let found = self.store.scan::<Acl>(Table::Acls, prefix, None, limit)?;
        Ok(found.into_iter().map(|(_, stored)| stored.value).collect())
    }

    /// Reads what the access lists grant to an account, by itself and by its groups, what its roles do, and what resource sets
    /// offer it.
    pub(crate) fn rights(&self, user: &UserId) -> Result<Rights> {
        let groups = self.groups_of(user)?;
        let subjects: Vec<&str> = std::iter::once(user.as_str()).chain(groups.iter().map(GroupId::as_str)).collect();
        let (acls, offered) = (self.acls_of(&subjects)?, self.offered_to(&subjects)?);
        let offers = offered.iter().flat_map(|set| set.offers()).map(|offer| offer.object);
        let rights = Rights::of(&subjects, acls.iter().map(Acl::entry)).with(self.privileges(user, &groups)?);
        Ok(rights.offering(offers))
    }

    /// Returns the entries of an account and its groups.
    pub(crate) fn acls_of(&self, subjects: &[&str]) -> Result<Vec<Acl>> {
        let mut acls = Vec::new();
        for subject in subjects {
            acls.extend(self.acls(&prefix(subject), MAX_ENTRIES)?);
        }
        Ok(acls)
    }

    /// Returns the accounts that an account or group stands for; none when there is no such thing.
    pub(crate) fn accounts_of(&self, subject: &str) -> Result<Option<Vec<UserId>>> {
        if let Some(group) = self.group(subject)? {
            return Ok(Some(group.value.users.into_iter().collect()));
        }
        Ok(self.user(&UserId::from(subject))?.map(|user| vec![user.value.id]))
    }

    /// Removes the entries of an account or group on these objects.
    pub(crate) async fn forget_entries(&self, subject: &str, is_meant: impl Fn(&str) -> bool) -> Result<()> {
        let acls = self.acls(&prefix(subject), MAX_ENTRIES)?;
        let meant = acls.iter().filter(|acl| is_meant(&acl.object));
        let batch = meant.fold(Batch::new(), |batch, acl| batch.delete(Table::Acls, &acl.key(), Expect::Any));
        if batch.is_empty() {
            return Ok(());
        }
        self.store.commit(batch).await?;
        self.rights_changed(self.accounts_of(subject)?.unwrap_or_default());
        Ok(())
    }

    /// Removes all entries on an object.
    pub(crate) async fn forget_object(&self, object: &str) -> Result<()> {
        let acls: Vec<Acl> = self.acls("", LISTED)?.into_iter().filter(|acl| acl.object == object).collect();
        let batch = acls.iter().fold(Batch::new(), |batch, acl| batch.delete(Table::Acls, &acl.key(), Expect::Any));
        if batch.is_empty() {
            return Ok(());
        }
        self.store.commit(batch).await?;
        let mut users = Vec::new();
        for acl in &acls {
            users.extend(self.accounts_of(&acl.subject)?.unwrap_or_default());
        }
        self.rights_changed(users);
        Ok(())
    }

    /// Adds the deletions that belong to the removal of an account or group.
    pub(crate) fn forget_subject(&self, batch: Batch, subject: &str) -> Result<Batch> {
        let acls = self.acls(&prefix(subject), MAX_ENTRIES)?;
        Ok(acls.iter().fold(batch, |batch, acl| batch.delete(Table::Acls, &acl.key(), Expect::Any)))
    }
}

/// Removes the entries of accounts and groups that are gone. (Objects may only be away.)
pub(crate) async fn clean(ctx: &Ctx) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let mut batch = Batch::new();
    for acl in ctx.app.acls("", LISTED)? {
        if ctx.app.accounts_of(&acl.subject)?.is_none() {
            batch = batch.delete(Table::Acls, &acl.key(), Expect::Any);
        }
    }
    if !batch.is_empty() {
        ctx.app.store.commit(batch).await?;
    }
    Ok(())
}

/// Lists all entries.
pub fn get(ctx: &Ctx) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    Ok(ctx.app.acls("", LISTED)?.iter().map(Acl::view).collect())
}

/// Adds an entry; one that is there already stays.
pub async fn add(ctx: &Ctx, acl: Acl) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let accounts = ctx.app.accounts_of(&acl.subject)?.ok_or_else(|| Failure::no_such(&acl.subject, "user or group"))?;
    if Levels::of_role(&acl.action) == Levels::default() {
        let words = ROLES.map(|(word, _)| word).join(", ");
        return Err(Failure::invalid(format!("the action must be one of {words}")).into());
    }
    if acl.object.is_empty() || acl.object.len() > MAX_ID || acl.object.contains('/') {
        return Err(Failure::invalid("the object must be the id of an object").into());
    }
    if ctx.app.acls(&prefix(&acl.subject), MAX_ENTRIES)?.len() >= MAX_ENTRIES {
        return Err(Failure::invalid(format!("the account or group has {MAX_ENTRIES} entries already")).into());
    }
    ctx.app.store.put(Table::Acls, &acl.key(), &acl, Expect::Any).await?;
    ctx.app.rights_changed(accounts);
    Ok(())
}

/// Gives an object to who made it.
pub(crate) async fn own(ctx: &Ctx, object: &str) -> Result<()> {
    let Some(who) = ctx.caller.principal() else { return Ok(()) };
    let own = Acl { subject: who.id.to_string(), object: object.to_owned(), action: "admin".into() };
    add(&Ctx::daemon(&ctx.app), own).await
}

/// Removes an entry; one that is not there is fine.
pub async fn remove(ctx: &Ctx, acl: Acl) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.store.delete(Table::Acls, &acl.key(), Expect::Any).await?;
    ctx.app.rights_changed(ctx.app.accounts_of(&acl.subject)?.unwrap_or_default());
    Ok(())
}

/// Returns what the caller was granted, object by object, without what follows from it.
pub fn current_permissions(ctx: &Ctx) -> Result<Value> {
    let own = access::own_account(&ctx.caller)?;
    let levels = |levels: Levels| -> Value { levels.names().map(|name| (name.to_owned(), json!(1))).collect() };
    let granted = own.principal().rights.iter().map(|(id, found)| (id.to_string(), levels(found)));
    Ok(Value::Object(granted.collect::<Map<_, _>>()))
}

/// Lists the roles.
pub fn roles() -> Value {
    ROLES
        .map(|(id, name)| json!({ "id": id, "name": name, "permissions": Levels::of_role(id).names().collect::<Vec<_>>() }))
        .into()
}
