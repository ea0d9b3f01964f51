//! Roles of fine rights, and their privileges.

use app::role::{self, Holder};
use app::{group, user};
use model::{GroupId, UserId};
use serde_json::{Value, json};
use wire::Failure;

use super::collection::records;
use super::record::named;
use super::{Call, Handler, Reply, done};

handlers! {
    "aclPrivilege.create" => |call| {
        let privilege = call.take()?;
        Ok(Reply::Value(json!(role::create_privilege(&call.ctx, privilege).await?)))
    };
    "aclPrivilege.delete" => |call| role::delete_privilege(&call.ctx, call.text("id")).await.map(done);
    "aclPrivilege.get" => |call| role::get_privilege(&call.ctx, call.text("id")).map(Reply::Value);
    "aclPrivilege.getAll" => |call| {
        let role = call.params.get("roleId").and_then(Value::as_str);
        role::get_privileges(&call.ctx, role).map(|views| Reply::Value(Value::Array(views)))
    };
    "aclPrivilege.list" => |call| {
        let all = if call.ctx.caller.is_admin() { role::get_privileges(&call.ctx, None)? } else { Vec::new() };
        records(&call, "acl-privileges", all)
    };
    "aclPrivilege.set" => |call| {
        let id = call.text("id").to_owned();
        let changes = call.take()?;
        role::set_privilege(&call.ctx, &id, changes).await.map(done)
    };
    "aclRole.addGroup" => |call| role::attach(&call.ctx, call.text("id"), &group_of(&call)).await.map(done);
    "aclRole.addUser" => |call| role::attach(&call.ctx, call.text("id"), &user_of(&call)).await.map(done);
    "aclRole.copy" => |call| {
        let copy = role::copy(&call.ctx, call.text("id"), name(&call), description(&call)).await?;
        Ok(Reply::Value(json!(copy)))
    };
    "aclRole.create" => |call| {
        Ok(Reply::Value(json!(role::create(&call.ctx, call.text("name"), description(&call)).await?)))
    };
    "aclRole.delete" => |call| role::delete(&call.ctx, call.text("id")).await.map(done);
    "aclRole.get" => |call| role::get(&call.ctx, call.text("id")).map(Reply::Value);
    "aclRole.getAll" => |call| role::get_all(&call.ctx).map(|views| Reply::Value(Value::Array(views)));
    "aclRole.getHolders" => |call| {
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for holder in role::holders(&call.ctx, call.text("id"))? {
            match holder {
                Holder::User(id) => users.push(id),
                Holder::Group(id) => groups.push(id),
            }
        }
        Ok(Reply::Value(json!({ "users": users, "groups": groups })))
    };
    "aclRole.groups" => |call| {
        let ids = role::holders(&call.ctx, call.text("id"))?.into_iter().filter_map(|holder| match holder {
            Holder::Group(id) => Some(id),
            Holder::User(_) => None,
        });
        // One that was deleted meanwhile is not there.
        let groups = ids.filter_map(|id| group::get(&call.ctx, id.as_str()).ok());
        records(&call, "groups", groups)
    };
    "aclRole.list" => |call| records(&call, "acl-roles", role::get_all(&call.ctx)?);
    "aclRole.privileges" => |call| {
        records(&call, "acl-privileges", role::get_privileges(&call.ctx, Some(call.text("id")))?)
    };
    "aclRole.removeGroup" => |call| role::detach(&call.ctx, call.text("id"), &group_of(&call)).await.map(done);
    "aclRole.removeUser" => |call| role::detach(&call.ctx, call.text("id"), &user_of(&call)).await.map(done);
    "aclRole.set" => |call| {
        role::set(&call.ctx, call.text("id"), name(&call), description(&call)).await.map(done)
    };
    "aclRole.users" => |call| {
        let ids = role::holders(&call.ctx, call.text("id"))?.into_iter().filter_map(|holder| match holder {
            Holder::User(id) => Some(id),
            Holder::Group(_) => None,
        });
        let users = ids.filter_map(|id| user::get(&call.ctx, &id).ok());
        records(&call, "users", users.map(named))
    };
    "group.aclRoles" => |call| {
        let id = call.text("id");
        // Who may not see groups is told what is told of one that is not there.
        let roles = role::of_group(&call.ctx, &GroupId::from(id)).map_err(|_| Failure::no_such(id, "group"))?;
        records(&call, "acl-roles", roles)
    };
    "group.getAclRoles" => |call| {
        role::of_group(&call.ctx, &GroupId::from(call.text("id"))).map(|views| Reply::Value(Value::Array(views)))
    };
    "user.aclPrivileges" => |call| {
        records(&call, "acl-privileges", role::of_user(&call.ctx, &UserId::from(call.text("id")))?)
    };
    "user.getAclPrivileges" => |call| {
        role::of_user(&call.ctx, &UserId::from(call.text("id"))).map(|views| Reply::Value(Value::Array(views)))
    };
}

fn user_of(call: &Call) -> Holder {
    Holder::User(UserId::from(call.text("userId")))
}

fn group_of(call: &Call) -> Holder {
    Holder::Group(GroupId::from(call.text("groupId")))
}

fn name(call: &Call) -> Option<&str> {
    call.params.get("name").and_then(Value::as_str)
}

fn description(call: &Call) -> Option<String> {
    call.params.get("description").and_then(Value::as_str).map(str::to_owned)
}
