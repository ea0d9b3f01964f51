//! Roles of fine rights: what their privileges allow and deny, and who has them.

use std::collections::BTreeSet;
use std::sync::Arc;

use inventory::Filter;
use model::{GroupId, Object, Selector, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Batch, Expect, Stored, Table};
use wire::Failure;

use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::user::check_name;

/// Roles and links listed at once.
const LISTED: usize = 10_000;

/// Privileges of one role: each is looked at for each object that a member of it lists.
const MAX_PRIVILEGES: usize = 200;

/// Roles of one account, its groups' among them.
const MAX_ROLES: usize = 50;

/// Longest selector, in bytes.
const MAX_SELECTOR: usize = 4_096;

/// A role as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Role {
    fn view(&self) -> Value {
        json!(self)
    }
}

/// Whether a privilege says yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Yes.
    Allow,
    /// No, whatever says yes.
    Deny,
}

/// A privilege as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Privilege {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// The role that it belongs to.
    pub role_id: String,
    /// Type of the objects.
    pub resource: String,
    /// What may be done to them, or not.
    pub action: String,
    /// Yes or no.
    pub effect: Effect,
    /// A filter that the objects match; none = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}

/// Changes to a privilege; what is none stays.
#[derive(Debug, Default, Deserialize)]
pub struct PrivilegeChanges {
    /// New type.
    pub resource: Option<String>,
    /// New action.
    pub action: Option<String>,
    /// New effect.
    pub effect: Option<Effect>,
    /// New selector; null = all objects.
    #[serde(default, deserialize_with = "given")]
    pub selector: Option<Option<String>>,
}

/// Tells null from nothing.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A selector, compiled. One that does not compile any more can tell of no object whether it is meant.
#[derive(Debug)]
struct Selected(Option<Filter>);

impl Selector for Selected {
    fn selects(&self, object: &Object) -> Option<bool> {
        let filter = self.0.as_ref()?;
        let matches = filter.matches(object);
        filter.check().is_ok().then_some(matches)
    }
}

impl Privilege {
    fn check(&self) -> Result<()> {
        if !access::is_action(&self.resource, &self.action) {
            let known = access::RESOURCES.iter().find(|(name, _)| *name == self.resource);
            let text = match known {
                Some((_, actions)) => format!("the action must be * or one of {}", actions.join(", ")),
                None => {
                    let names: Vec<&str> = access::RESOURCES.iter().map(|(name, _)| *name).collect();
                    format!("the resource must be one of {}", names.join(", "))
                }
            };
            return Err(Failure::invalid(text).into());
        }
        let Some(selector) = &self.selector else { return Ok(()) };
        if selector.len() > MAX_SELECTOR {
            return Err(Failure::invalid(format!("a selector has {MAX_SELECTOR} bytes at most")).into());
        }
        match Filter::parse(selector) {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::BadFilter { message: error.to_string(), text: selector.clone() }.into()),
        }
    }

    /// Returns it as decisions need it.
    fn compiled(&self) -> model::Privilege {
        let compile = |text: &String| (text.clone(), Arc::new(Selected(Filter::parse(text).ok())) as Arc<dyn Selector>);
        model::Privilege {
            resource: self.resource.clone(),
            action: self.action.clone(),
            allows: self.effect == Effect::Allow,
            selector: self.selector.as_ref().map(compile),
        }
    }
}

fn role_key(role: &str) -> String {
    format!("role/{role}")
}

/// Privileges of one role stand together; their own id is in the key, too.
fn privilege_key(role: &str, id: &str) -> String {
    format!("privilege/{role}/{id}")
}

/// Who can have a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An account.
    User(UserId),
    /// Everybody in a group.
    Group(GroupId),
}

impl Holder {
    fn key(&self, role: &str) -> String {
        match self {
            Self::User(id) => format!("user/{id}/{role}"),
            Self::Group(id) => format!("group/{id}/{role}"),
        }
    }

    pub(crate) fn id(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Group(id) => id.as_str(),
        }
    }
}

impl App {
    pub(crate) fn role(&self, id: &str) -> Result<Stored<Role>> {
        let found = self.store.get::<Role>(Table::Roles, &role_key(id))?;
        Ok(found.ok_or_else(|| Failure::no_such(id, "acl-role"))?)
    }

    pub(crate) fn role_privileges(&self, role: &str) -> Result<Vec<Privilege>> {
        let found = self.store.scan::<Privilege>(Table::Roles, &privilege_key(role, ""), None, MAX_PRIVILEGES)?;
        Ok(found.into_iter().map(|(_, stored)| stored.value).collect())
    }

    /// Returns the roles that were given to an account or group itself.
    pub(crate) fn roles_held(&self, holder: &Holder) -> Result<Vec<String>> {
        let found = self.store.scan::<String>(Table::Roles, &holder.key(""), None, MAX_ROLES)?;
        Ok(found.into_iter().map(|(_, stored)| stored.value).collect())
    }

    /// Returns the privileges of an account in these groups.
    fn privileges_held(&self, user: &UserId, groups: &[GroupId]) -> Result<Vec<Privilege>> {
        let groups = groups.iter().cloned().map(Holder::Group);
        let mut roles = BTreeSet::new();
        for holder in std::iter::once(Holder::User(user.clone())).chain(groups) {
            roles.extend(self.roles_held(&holder)?);
        }
        let mut all = Vec::new();
        for role in roles {
            all.extend(self.role_privileges(&role)?);
        }
        Ok(all)
    }

    /// Returns what the roles of an account in these groups allow and deny.
    pub(crate) fn privileges(&self, user: &UserId, groups: &[GroupId]) -> Result<Vec<model::Privilege>> {
        Ok(self.privileges_held(user, groups)?.iter().map(Privilege::compiled).collect())
    }

    /// Returns who was given a role.
    fn holders(&self, role: &str) -> Result<Vec<Holder>> {
        let mut holders = Vec::new();
        for (prefix, make) in [
            ("user/", (|id: &str| Holder::User(id.into())) as fn(&str) -> Holder),
            ("group/", |id: &str| Holder::Group(id.into())),
        ] {
            let links = self.store.scan::<String>(Table::Roles, prefix, None, LISTED)?;
            let of_role = links.iter().filter(|(_, stored)| stored.value == role);
            holders.extend(of_role.filter_map(|(key, _)| key.split('/').nth(1)).map(make));
        }
        Ok(holders)
    }

    fn holder_exists(&self, holder: &Holder) -> Result<()> {
        let (is_there, kind) = match holder {
            Holder::User(id) => (self.user(id)?.is_some(), "user"),
            Holder::Group(id) => (self.group(id.as_str())?.is_some(), "group"),
        };
        if is_there { Ok(()) } else { Err(Failure::no_such(holder.id(), kind).into()) }
    }

    /// Tells everybody who has a role that it is another one now.
    fn role_changed(&self, holders: &[Holder]) -> Result<()> {
        let mut users = BTreeSet::new();
        for holder in holders {
            users.extend(self.accounts_of(holder.id())?.unwrap_or_default());
        }
        self.rights_changed(users);
        Ok(())
    }

    /// Adds the end of what an account or group that goes has.
    pub(crate) fn give_up_roles(&self, batch: Batch, holder: &Holder) -> Result<Batch> {
        let roles = self.roles_held(holder)?;
        Ok(roles.iter().fold(batch, |batch, role| batch.delete(Table::Roles, &holder.key(role), Expect::Any)))
    }
}

/// Lists the roles.
pub fn get_all(ctx: &Ctx) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    let roles = ctx.app.store.scan::<Role>(Table::Roles, "role/", None, LISTED)?;
    Ok(roles.into_iter().map(|(_, stored)| stored.value.view()).collect())
}

/// Returns a role.
pub fn get(ctx: &Ctx, id: &str) -> Result<Value> {
    let _admin = access::admin(&ctx.caller)?;
    Ok(ctx.app.role(id)?.value.view())
}

/// Makes a role without privileges and returns its id.
pub async fn create(ctx: &Ctx, name: &str, description: Option<String>) -> Result<String> {
    let _admin = access::admin(&ctx.caller)?;
    let role = Role { id: uuid::Uuid::new_v4().to_string(), name: check_name(name)?, description };
    ctx.app.store.put(Table::Roles, &role_key(&role.id), &role, Expect::Absent).await?;
    Ok(role.id)
}

/// Renames or describes a role.
pub async fn set(ctx: &Ctx, id: &str, name: Option<&str>, description: Option<String>) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let Stored { revision, value: mut role } = ctx.app.role(id)?;
    if let Some(name) = name {
        role.name = check_name(name)?;
    }
    role.description = description.or(role.description);
    ctx.app.store.put(Table::Roles, &role_key(id), &role, Expect::Revision(revision)).await?;
    Ok(())
}

/// Copies a role with its privileges, not those who have it, and returns the id of the copy.
pub async fn copy(ctx: &Ctx, id: &str, name: Option<&str>, description: Option<String>) -> Result<String> {
    let _admin = access::admin(&ctx.caller)?;
    let from = ctx.app.role(id)?.value;
    let name = name.map_or_else(|| Ok(format!("{} (copy)", from.name)), check_name)?;
    let role = Role { id: uuid::Uuid::new_v4().to_string(), name, description: description.or(from.description) };
    let mut batch = Batch::new().put(Table::Roles, &role_key(&role.id), &role, Expect::Absent)?;
    for mut privilege in ctx.app.role_privileges(id)? {
        (privilege.id, privilege.role_id) = (uuid::Uuid::new_v4().to_string(), role.id.clone());
        batch = batch.put(Table::Roles, &privilege_key(&role.id, &privilege.id), &privilege, Expect::Absent)?;
    }
    ctx.app.store.commit(batch).await?;
    Ok(role.id)
}

/// Deletes a role and its privileges; who had it has it no more.
pub async fn delete(ctx: &Ctx, id: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let stored = ctx.app.role(id)?;
    let holders = ctx.app.holders(id)?;
    let mut batch = Batch::new().delete(Table::Roles, &role_key(id), Expect::Revision(stored.revision));
    for privilege in ctx.app.role_privileges(id)? {
        batch = batch.delete(Table::Roles, &privilege_key(id, &privilege.id), Expect::Any);
    }
    for holder in &holders {
        batch = batch.delete(Table::Roles, &holder.key(id), Expect::Any);
    }
    ctx.app.store.commit(batch).await?;
    ctx.app.role_changed(&holders)
}

/// Lists who has a role: accounts and groups, by id.
pub fn holders(ctx: &Ctx, id: &str) -> Result<Vec<Holder>> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.role(id)?;
    ctx.app.holders(id)
}

/// Lists the roles of a group.
pub fn of_group(ctx: &Ctx, id: &GroupId) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    let holder = Holder::Group(id.clone());
    ctx.app.holder_exists(&holder)?;
    ctx.app.roles_held(&holder)?.iter().map(|role| Ok(ctx.app.role(role)?.value.view())).collect()
}

/// Gives a role to an account or a group.
pub async fn attach(ctx: &Ctx, id: &str, to: &Holder) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.role(id)?;
    ctx.app.holder_exists(to)?;
    if ctx.app.roles_held(to)?.len() >= MAX_ROLES {
        return Err(Failure::invalid(format!("it has {MAX_ROLES} roles already")).into());
    }
    match ctx.app.store.put(Table::Roles, &to.key(id), id, Expect::Absent).await {
        Err(store::Error::Conflict { .. }) => {
            Err(Failure::AlreadyExists { id: id.to_owned(), kind: "acl-role".into() }.into())
        }
        other => {
            other?;
            ctx.app.role_changed(std::slice::from_ref(to))
        }
    }
}

/// Takes a role from an account or a group.
pub async fn detach(ctx: &Ctx, id: &str, from: &Holder) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    if !ctx.app.store.delete(Table::Roles, &from.key(id), Expect::Any).await? {
        return Err(Failure::no_such(id, "acl-role").into());
    }
    ctx.app.role_changed(std::slice::from_ref(from))
}

/// Lists the privileges, of one role or of all.
pub fn get_privileges(ctx: &Ctx, role: Option<&str>) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    if let Some(role) = role {
        ctx.app.role(role)?;
        return Ok(ctx.app.role_privileges(role)?.iter().map(|privilege| json!(privilege)).collect());
    }
    let all = ctx.app.store.scan::<Privilege>(Table::Roles, "privilege/", None, LISTED)?;
    Ok(all.into_iter().map(|(_, stored)| json!(stored.value)).collect())
}

/// Lists the privileges of an account by its roles and its groups': its own to anybody, others' to administrators.
pub fn of_user(ctx: &Ctx, id: &UserId) -> Result<Vec<Value>> {
    let no_such = || Failure::no_such(id.as_str(), "user");
    let id = access::own_or_admin(&ctx.caller, id.clone()).map_err(|_| no_such())?;
    ctx.app.user(&id)?.ok_or_else(no_such)?;
    let groups = ctx.app.groups_of(&id)?;
    Ok(ctx.app.privileges_held(&id, &groups)?.iter().map(|privilege| json!(privilege)).collect())
}

/// Returns a privilege.
pub fn get_privilege(ctx: &Ctx, id: &str) -> Result<Value> {
    let _admin = access::admin(&ctx.caller)?;
    Ok(json!(find_privilege(ctx, id)?.value))
}

fn find_privilege(ctx: &Ctx, id: &str) -> Result<Stored<Privilege>> {
    let all = ctx.app.store.scan::<Privilege>(Table::Roles, "privilege/", None, LISTED)?;
    let found = all.into_iter().find(|(_, stored)| stored.value.id == id);
    Ok(found.ok_or_else(|| Failure::no_such(id, "acl-privilege"))?.1)
}

/// Adds a privilege to its role and returns its id.
pub async fn create_privilege(ctx: &Ctx, mut privilege: Privilege) -> Result<String> {
    let _admin = access::admin(&ctx.caller)?;
    privilege.check()?;
    ctx.app.role(&privilege.role_id)?;
    if ctx.app.role_privileges(&privilege.role_id)?.len() >= MAX_PRIVILEGES {
        return Err(Failure::invalid(format!("the role has {MAX_PRIVILEGES} privileges already")).into());
    }
    privilege.id = uuid::Uuid::new_v4().to_string();
    let key = privilege_key(&privilege.role_id, &privilege.id);
    ctx.app.store.put(Table::Roles, &key, &privilege, Expect::Absent).await?;
    ctx.app.role_changed(&ctx.app.holders(&privilege.role_id)?)?;
    Ok(privilege.id)
}

/// Changes a privilege.
pub async fn set_privilege(ctx: &Ctx, id: &str, changes: PrivilegeChanges) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let Stored { revision, value: mut privilege } = find_privilege(ctx, id)?;
    privilege.resource = changes.resource.unwrap_or(privilege.resource);
    privilege.action = changes.action.unwrap_or(privilege.action);
    privilege.effect = changes.effect.unwrap_or(privilege.effect);
    privilege.selector = changes.selector.unwrap_or(privilege.selector);
    privilege.check()?;
    let key = privilege_key(&privilege.role_id, id);
    ctx.app.store.put(Table::Roles, &key, &privilege, Expect::Revision(revision)).await?;
    ctx.app.role_changed(&ctx.app.holders(&privilege.role_id)?)
}

/// Deletes a privilege.
pub async fn delete_privilege(ctx: &Ctx, id: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let role = find_privilege(ctx, id)?.value.role_id;
    ctx.app.store.delete(Table::Roles, &privilege_key(&role, id), Expect::Any).await?;
    ctx.app.role_changed(&ctx.app.holders(&role)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn privilege(resource: &str, action: &str, selector: Option<&str>) -> Privilege {
        let (id, role_id) = (String::new(), "r".to_owned());
        let (resource, action) = (resource.to_owned(), action.to_owned());
        Privilege { id, role_id, resource, action, effect: Effect::Allow, selector: selector.map(str::to_owned) }
    }

    #[test]
    fn only_what_means_something_is_taken() {
        for (resource, action, selector, fine) in [
            ("vm", "start", None, true),
            ("vm", "*", Some("tags:prod"), true),
            ("vm", "start", Some("tags:("), false),
            ("vm", "start", Some("name:/(/"), false),
            ("vm", "fly", None, false),
            ("house", "read", None, false),
        ] {
            let checked = privilege(resource, action, selector).check();
            assert_eq!(checked.is_ok(), fine, "{resource} {action} {selector:?}");
        }
        let long = "a".repeat(MAX_SELECTOR + 1);
        assert!(privilege("vm", "read", Some(&long)).check().is_err());
        let answer = privilege("vm", "fly", None).check().unwrap_err().to_string();
        assert!(answer.contains("start") && answer.contains("snapshot"), "{answer}");
    }

    #[test]
    fn null_is_not_nothing() {
        let changes: PrivilegeChanges = serde_json::from_value(json!({ "selector": null })).unwrap();
        assert_eq!(changes.selector, Some(None));
        assert_eq!(serde_json::from_value::<PrivilegeChanges>(json!({})).unwrap().selector, None);
    }
}
