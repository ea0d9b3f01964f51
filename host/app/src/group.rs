//! Groups of accounts: who is in one has what it was granted, for as long as they are in it.

use std::collections::{BTreeSet, HashMap};

use model::{GroupId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Batch, Expect, Stored, Table};
use wire::Failure;

use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::role::Holder;
use crate::user::check_name;

/// Groups, and memberships of one account, listed at once.
const LISTED: usize = 10_000;

/// Memberships of all accounts listed at once.
const ALL_MEMBERS: usize = 1_000_000;

/// Members of one group: the record stays below a megabyte.
const MAX_MEMBERS: usize = 20_000;

/// A group as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name, unique without regard to case.
    pub name: String,
    /// Who is in it.
    pub users: BTreeSet<UserId>,
    /// The sign-in provider that fills it, if one does; then only the provider changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl Group {
    fn view(&self, app: &App) -> Result<Value> {
        let roles = app.roles_held(&Holder::Group(self.id.clone()))?;
        let mut view = json!({ "id": self.id, "name": self.name, "users": self.users, "aclRoleIds": roles });
        if let Some(provider) = &self.provider {
            view["provider"] = json!(provider);
        }
        Ok(view)
    }
}

fn id_key(id: &str) -> String {
    format!("id/{id}")
}

fn name_key(name: &str) -> String {
    format!("name/{}", name.to_lowercase())
}

fn member_key(user: &UserId, group: &str) -> String {
    format!("member/{user}/{group}")
}

impl App {
    /// Returns the group of that id.
    pub(crate) fn group(&self, id: &str) -> Result<Option<Stored<Group>>> {
        Ok(self.store.get(Table::Groups, &id_key(id))?)
    }

    /// Returns the groups that an account is in.
    pub(crate) fn groups_of(&self, user: &UserId) -> Result<Vec<GroupId>> {
        let found = self.store.scan::<GroupId>(Table::Groups, &member_key(user, ""), None, LISTED)?;
        Ok(found.into_iter().map(|(_, stored)| stored.value).collect())
    }

    /// Returns the groups of every account that is in one.
    pub(crate) fn groups_of_all(&self) -> Result<HashMap<UserId, Vec<GroupId>>> {
        let mut all = HashMap::<UserId, Vec<GroupId>>::new();
        for (key, stored) in self.store.scan::<GroupId>(Table::Groups, "member/", None, ALL_MEMBERS)? {
            let user = key.split('/').nth(1).unwrap_or_default();
            all.entry(UserId::from(user)).or_default().push(stored.value);
        }
        Ok(all)
    }

    /// Adds what belongs to the removal of an account.
    pub(crate) fn leave_groups(&self, mut batch: Batch, user: &UserId) -> Result<Batch> {
        for id in self.groups_of(user)? {
            batch = batch.delete(Table::Groups, &member_key(user, id.as_str()), Expect::Any);
            if let Some(Stored { revision, value: mut group }) = self.group(id.as_str())? {
                group.users.remove(user);
                batch = batch.put(Table::Groups, &id_key(id.as_str()), &group, Expect::Revision(revision))?;
            }
        }
        Ok(batch)
    }

    /// Changes a group; when somebody else did meanwhile, once more from what they left.
    async fn change_group(&self, id: &str, change: impl Fn(&mut Group) -> Result<()>) -> Result<()> {
        loop {
            let stored = self.group(id)?.ok_or_else(|| Failure::no_such(id, "group"))?;
            let (before, mut after) = (&stored.value, stored.value.clone());
            change(&mut after)?;
            if after.users.len() > MAX_MEMBERS {
                return Err(Failure::invalid(format!("a group has {MAX_MEMBERS} members at most")).into());
            }
            let mut batch = Batch::new().put(Table::Groups, &id_key(id), &after, Expect::Revision(stored.revision))?;
            let (old_name, new_name) = (name_key(&before.name), name_key(&after.name));
            if old_name != new_name {
                batch = batch.delete(Table::Groups, &old_name, Expect::Any);
                batch = batch.put(Table::Groups, &new_name, &after.id, Expect::Absent)?;
            }
            for user in after.users.difference(&before.users) {
                // An account that has gone meanwhile has no rights; one that never was is a mistake.
                self.user(user)?.ok_or_else(|| Failure::no_such(user.as_str(), "user"))?;
                batch = batch.put(Table::Groups, &member_key(user, id), &after.id, Expect::Any)?;
            }
            for user in before.users.difference(&after.users) {
                batch = batch.delete(Table::Groups, &member_key(user, id), Expect::Any);
            }
            match self.store.commit(batch).await {
                Err(store::Error::Conflict { key, .. }) if key == new_name => return Err(exists(&after.name)),
                // Somebody was faster, and is done.
                Err(store::Error::Conflict { .. }) => {}
                other => {
                    other?;
                    self.rights_changed(before.users.symmetric_difference(&after.users).cloned());
                    return Ok(());
                }
            }
        }
    }
}

fn exists(name: &str) -> crate::Error {
    Failure::AlreadyExists { id: name.to_owned(), kind: "group".into() }.into()
}

/// Refuses to change by hand what a provider fills.
fn check_ours(group: &Group, operation: &str) -> Result<()> {
    if group.provider.is_none() {
        return Ok(());
    }
    let reason = "this group is filled by a sign-in provider; change it there";
    Err(Failure::Forbidden { operation: operation.into(), reason: reason.into() }.into())
}

/// Lists the groups.
pub fn get_all(ctx: &Ctx) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    let found = ctx.app.store.scan::<Group>(Table::Groups, "id/", None, LISTED)?;
    found.into_iter().map(|(_, stored)| stored.value.view(&ctx.app)).collect()
}

/// Returns a group.
pub fn get(ctx: &Ctx, id: &str) -> Result<Value> {
    let _admin = access::admin(&ctx.caller)?;
    let group = ctx.app.group(id)?.ok_or_else(|| Failure::no_such(id, "group"))?;
    group.value.view(&ctx.app)
}

/// Makes a group without members and returns its id.
pub async fn create(ctx: &Ctx, name: &str) -> Result<GroupId> {
    let _admin = access::admin(&ctx.caller)?;
    let name = check_name(name)?;
    let group = Group { id: GroupId::random(), name, users: BTreeSet::new(), provider: None };
    let batch = Batch::new().put(Table::Groups, &name_key(&group.name), &group.id, Expect::Absent)?.put(
        Table::Groups,
        &id_key(group.id.as_str()),
        &group,
        Expect::Absent,
    )?;
    match ctx.app.store.commit(batch).await {
        Err(store::Error::Conflict { .. }) => Err(exists(&group.name)),
        other => {
            other?;
            Ok(group.id)
        }
    }
}

/// Deletes a group and what it was granted; its members stay, without it.
pub async fn delete(ctx: &Ctx, id: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    loop {
        let stored = ctx.app.group(id)?.ok_or_else(|| Failure::no_such(id, "group"))?;
        let group = &stored.value;
        let mut batch = Batch::new().delete(Table::Groups, &id_key(id), Expect::Revision(stored.revision)).delete(
            Table::Groups,
            &name_key(&group.name),
            Expect::Any,
        );
        for user in &group.users {
            batch = batch.delete(Table::Groups, &member_key(user, id), Expect::Any);
        }
        let batch = ctx.app.forget_subject(batch, id)?;
        let batch = ctx.app.give_up_roles(batch, &Holder::Group(group.id.clone()))?;
        match ctx.app.store.commit(batch).await {
            // Somebody changed it at the same moment.
            Err(store::Error::Conflict { .. }) => {}
            other => {
                other?;
                ctx.app.rights_changed(stored.value.users);
                return Ok(());
            }
        }
    }
}

/// Renames a group.
pub async fn set(ctx: &Ctx, id: &str, name: Option<&str>) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let name = name.map(check_name).transpose()?;
    let change = |group: &mut Group| {
        check_ours(group, "group.set")?;
        group.name = name.clone().unwrap_or_else(|| group.name.clone());
        Ok(())
    };
    ctx.app.change_group(id, change).await
}

/// Says who is in a group and nobody else.
pub async fn set_users(ctx: &Ctx, id: &str, users: &BTreeSet<UserId>) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let change = |group: &mut Group| {
        check_ours(group, "group.setUsers")?;
        group.users = users.clone();
        Ok(())
    };
    ctx.app.change_group(id, change).await
}

/// Puts an account into a group; one that is in it stays.
pub async fn add_user(ctx: &Ctx, id: &str, user: &UserId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let change = |group: &mut Group| {
        check_ours(group, "group.addUser")?;
        group.users.insert(user.clone());
        Ok(())
    };
    ctx.app.change_group(id, change).await
}

/// Takes an account out of a group; one that is not in it is fine.
pub async fn remove_user(ctx: &Ctx, id: &str, user: &UserId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let change = |group: &mut Group| {
        check_ours(group, "group.removeUser")?;
        group.users.remove(user);
        Ok(())
    };
    ctx.app.change_group(id, change).await
}
