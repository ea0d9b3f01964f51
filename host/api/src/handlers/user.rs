//! Accounts.

use app::{token, user};
use model::{InstanceId, Secret, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Handler, Reply, done};

handlers! {
    "user.changePassword" => |call| {
        let (old, new) = (Secret::new(call.text("oldPassword")), Secret::new(call.text("newPassword")));
        user::change_password(&call.ctx, &old, &new).await.map(done)
    };
    "user.create" => |call| {
        let NewUser { email, password, permission } = call.take()?;
        Ok(Reply::Value(json!(user::create(&call.ctx, &email, &password, permission).await?)))
    };
    "user.delete" => |call| user::delete(&call.ctx, &UserId::from(call.text("id"))).await.map(done);
    "user.getAll" => |call| user::get_all(&call.ctx).map(|views| Reply::Value(Value::Array(views)));
    "user.getAuthenticationTokens" => |call| token::get_own(&call.ctx).map(|views| Reply::Value(Value::Array(views)));
    "user.removeAuthProvider" => |call| {
        let (id, provider) = (UserId::from(call.text("id")), InstanceId::from(call.text("authProvider")));
        user::remove_auth_provider(&call.ctx, &id, &provider).await.map(done)
    };
    "user.set" => |call| {
        let id = UserId::from(call.text("id"));
        let changes = call.take()?;
        user::set(&call.ctx, &id, changes).await.map(done)
    };
}

#[derive(Deserialize)]
struct NewUser {
    email: String,
    password: Secret,
    #[serde(default)]
    permission: model::Permission,
}
