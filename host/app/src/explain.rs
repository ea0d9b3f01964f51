//! What an account may do to an object, operation by operation, and why: the decisions of `access`, with their reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{Action, Explanation, Need, Reason, Refusal, Step};
use inventory::Snapshot;
use model::{Caller, Entry, GroupId, Object, Offer, UserId};
use serde_json::{Map, Value, json};
use wire::{Access, Failure, Level, OPERATIONS, Operation};

use crate::acl::Acl;
use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::resource_set::{self, Offered};
use crate::role::{Effect, Holder, Privilege};

/// Reasons of one decision that are told: a disk of hundreds of VMs has as many ways to one entry.
const TOLD: usize = 20;

/// What is asked about, and what it takes to answer.
struct Case<'a> {
    caller: &'a Caller,
    entries: Vec<Entry<'a>>,
    sets: Vec<Arc<Offered>>,
    roles: Vec<Held>,
    snapshot: Snapshot,
    object: &'a Object,
}

/// A role that somebody has.
struct Held {
    name: String,
    /// By whom they have it: themselves, groups.
    holders: Vec<String>,
    privileges: Vec<Privilege>,
}

impl App {
    fn roles_of(&self, user: &UserId, groups: &[GroupId]) -> Result<Vec<Held>> {
        let groups = groups.iter().cloned().map(Holder::Group);
        let mut held = BTreeMap::<String, Vec<String>>::new();
        for holder in std::iter::once(Holder::User(user.clone())).chain(groups) {
            for role in self.roles_held(&holder)? {
                held.entry(role).or_default().push(holder.id().to_owned());
            }
        }
        let describe = |(role, holders): (String, Vec<String>)| {
            Ok(Held { name: self.role(&role)?.value.name, holders, privileges: self.role_privileges(&role)? })
        };
        held.into_iter().map(describe).collect()
    }
}

/// Returns what an account may do to an object by all operations, or by one, and why.
pub fn explain(ctx: &Ctx, user: &UserId, object: &str, operation: Option<&str>) -> Result<Value> {
    let _admin = access::admin(&ctx.caller)?;
    let no_such = || Failure::no_such(user.as_str(), "user");
    let principal = ctx.app.principal(user)?.ok_or_else(no_such)?;
    let groups = ctx.app.groups_of(user)?;
    let subjects: Vec<&str> = std::iter::once(user.as_str()).chain(groups.iter().map(GroupId::as_str)).collect();
    let snapshot = ctx.app.inventory.snapshot();
    let found = snapshot.get(object).or_else(|| snapshot.by_ref(object)).cloned();
    let object = found.ok_or_else(|| Failure::no_such(object, "object"))?;
    let acls = ctx.app.acls_of(&subjects)?;
    let caller = Caller::User(principal.clone());
    let case = Case {
        caller: &caller,
        entries: acls.iter().map(Acl::entry).collect(),
        sets: ctx.app.offered_to(&subjects)?,
        roles: ctx.app.roles_of(user, &groups)?,
        snapshot,
        object: &object,
    };
    let operations = case.operations(operation)?;
    let theirs = Ctx { caller: caller.clone(), ..ctx.clone() };
    Ok(json!({
        "user": user,
        "object": object.id(),
        "operations": operations,
        "objects": case.named(&operations),
        "resourceSets": sets(&theirs, &object)?,
    }))
}

fn steps(way: &[Step]) -> Vec<Value> {
    way.iter().map(|step| json!({ "by": step.by.as_str(), "object": step.object })).collect()
}

/// Lists the resource sets of a caller that have to do with an object: they offer it, or it belongs to them.
fn sets(theirs: &Ctx, object: &Object) -> Result<Vec<Value>> {
    let own = resource_set::set_of(object);
    let mut found = Vec::new();
    for set in resource_set::get_all(theirs)? {
        let is_offered = set.objects.contains(object.id().as_str());
        if is_offered || own.as_ref() == Some(&set.id) {
            found.push(json!({ "id": set.id, "name": set.name, "offers": is_offered }));
        }
    }
    Ok(found)
}

fn action(level: Level) -> Action {
    match level {
        Level::View => Action::View,
        Level::Operate => Action::Operate,
        Level::Administrate => Action::Administrate,
    }
}

impl Case<'_> {
    /// Goes through the operations that can be about the object. What has the same answer for the same reasons is one line.
    fn operations(&self, only: Option<&str>) -> Result<Vec<Value>> {
        let mut lines = Vec::new();
        if only.is_none() {
            lines.push(self.line(None, Action::View, "read"));
        }
        let kind = self.object.kind().as_str();
        for operation in OPERATIONS.iter().filter(|operation| only.is_none_or(|only| only == operation.name)) {
            for named in operation.objects.iter().filter(|named| named.kinds.is_empty() || named.kinds.contains(&kind))
            {
                let action =
                    if operation.access == Access::Admin { Action::AdministratorOnly } else { action(named.level) };
                let mut meanings = wire::meanings(operation, named.param);
                if meanings.is_empty() {
                    meanings.push("".into());
                }
                let first = lines.len();
                for meaning in meanings {
                    let line = self.line(Some((operation, named.param)), action, &meaning);
                    let same = |known: &&mut Value| {
                        ["allowed", "visible", "reasons"].iter().all(|field| known[*field] == line[*field])
                    };
                    match (lines[first..].iter_mut().find(same), line["privileges"].as_array()) {
                        (Some(known), Some(new)) => {
                            if let Value::Array(all) = &mut known["privileges"] {
                                all.extend(new.iter().cloned());
                            }
                        }
                        _ => lines.push(line),
                    }
                }
            }
        }
        if let Some(only) = only.filter(|_| lines.is_empty()) {
            return Err(Failure::invalid(format!("{only} is no operation on a {kind}")).into());
        }
        Ok(lines)
    }

    /// Answers for one meaning of an operation; none = to see the object.
    fn line(&self, operation: Option<(&Operation, &str)>, action: Action, privilege: &str) -> Value {
        let need = Need { action, privilege };
        let offers: Vec<Offer<'_>> = self.sets.iter().flat_map(|set| set.offers()).collect();
        let explained = access::explain(self.caller, &self.entries, &offers, &self.snapshot, need, self.object);
        let mut line = json!({
            "level": action.as_str(),
            "privileges": Some(privilege).filter(|privilege| !privilege.is_empty()).as_slice(),
            "allowed": explained.decision.is_ok(),
            "visible": explained.decision != Err(Refusal::NotVisible),
            "reasons": self.reasons(&explained),
        });
        if let Some((operation, param)) = operation {
            line["operation"] = json!(operation.name);
            line["param"] = json!(param);
            line["description"] = json!(operation.description);
        }
        line
    }

    fn reasons(&self, explained: &Explanation<'_>) -> Vec<Value> {
        explained.reasons.iter().take(TOLD).map(|reason| self.reason(reason)).collect()
    }

    fn reason(&self, reason: &Reason<'_>) -> Value {
        match reason {
            Reason::Administrator => json!({ "kind": "administrator" }),
            Reason::NoAccount => json!({ "kind": "noAccount" }),
            Reason::AdministratorsOnly => json!({ "kind": "administratorsOnly" }),
            Reason::Nothing => json!({ "kind": "nothing" }),
            Reason::Set { offer, way } => {
                let name = self.sets.iter().find(|set| set.set == offer.set).map(|set| &set.name);
                json!({ "kind": "resourceSet", "set": offer.set, "name": name, "object": offer.object, "way": steps(way) })
            }
            Reason::Entry { entry, way } => {
                let Entry { subject, object, action } = entry;
                json!({ "kind": "entry", "subject": subject, "object": object, "action": action, "way": steps(way) })
            }
            Reason::Privilege { privilege, is_sure } => {
                let is_it = |known: &&Privilege| {
                    known.resource == privilege.resource
                        && known.action == privilege.action
                        && (known.effect == Effect::Allow) == privilege.allows
                        && known.selector.as_ref() == privilege.selector.as_ref().map(|(text, _)| text)
                };
                let roles = self.roles.iter().flat_map(|role| {
                    let same = role.privileges.iter().filter(is_it);
                    same.map(|known| {
                        json!({ "privilege": known.id, "id": known.role_id, "name": role.name, "holders": role.holders })
                    })
                });
                json!({
                    "kind": "privilege",
                    "effect": if privilege.allows { "allow" } else { "deny" },
                    "resource": privilege.resource,
                    "action": privilege.action,
                    "selector": privilege.selector.as_ref().map(|(text, _)| text),
                    "isSure": is_sure,
                    "roles": roles.collect::<Vec<_>>(),
                })
            }
        }
    }

    /// Returns what the objects of the reasons are and how they are called.
    fn named(&self, operations: &[Value]) -> Map<String, Value> {
        let reasons = operations.iter().flat_map(|line| line["reasons"].as_array().into_iter().flatten());
        let steps = reasons.flat_map(|reason| reason["way"].as_array().into_iter().flatten());
        let ids: BTreeSet<&str> =
            steps.filter_map(|step| step["object"].as_str()).chain([self.object.id().as_str()]).collect();
        let found = ids.into_iter().filter_map(|id| self.snapshot.get(id));
        let describe = |object: &Object| json!({ "type": object.kind().as_str(), "name": object.field("name_label") });
        found.map(|object| (object.id().to_string(), describe(object))).collect()
    }
}
