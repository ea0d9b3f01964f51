//! Signing in and out.

use app::session::{self, Credentials};
use app::{Ctx, Error};
use model::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::Failure;

use super::{Answer, Call, Handler, Reply};

handlers! {
    "auth.providers" => |call| Ok(Reply::Value(json!(session::providers(&call.ctx.app))));
    "auth.session" => |call| Ok(Reply::Value(json!({ "user": own_view(&call.ctx)? })));
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
}

#[derive(Deserialize)]
struct Topics {
    topics: Vec<String>,
    all: Option<bool>,
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
