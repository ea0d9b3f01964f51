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

/// Returns the caller's own account; null when there is none behind the call.
fn own_view(ctx: &Ctx) -> Result<Value, Error> {
    let Some(principal) = ctx.caller.principal() else { return Ok(Value::Null) };
    Ok(ctx.app.user_view(&principal.id)?.unwrap_or_default())
}

async fn sign_in(call: Call) -> Answer {
    // Also when it fails: who says who they are is not somebody else after a typing error.
    call.session.give_up_local();
    let name = ["username", "email"].into_iter().map(|name| call.text(name)).find(|name| !name.is_empty());
    let signed_in = match (call.params.get("token").and_then(Value::as_str), name) {
        (Some(token), _) => session::with_token(&call.ctx.app, &Secret::new(token), call.ctx.address)?,
        (None, Some(name)) => {
            let credentials = Credentials {
                username: name.to_owned(),
                password: Secret::new(call.text("password")),
                provider: None,
                otp: call.params.get("otp").and_then(Value::as_str).map(str::to_owned),
            };
            session::with_password(&call.ctx.app, &credentials, call.ctx.address).await?
        }
        (None, None) => return Err(Failure::InvalidCredentials.into()),
    };
    let user = call.ctx.app.user_view(&signed_in.principal.id)?.ok_or(Failure::InvalidCredentials)?;
    call.session.sign_in(signed_in);
    Ok(Reply::Value(user))
}
