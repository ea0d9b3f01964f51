//! API tokens.

use app::token;
use serde::Deserialize;
use serde_json::json;

use super::{Call, Handler, Reply, done};

handlers! {
    "token.create" => |call| {
        let request = call.take()?;
        Ok(Reply::Value(json!(token::create(&call.ctx, request).await?.expose())))
    };
    "token.delete" => |call| {
        let Tokens { tokens } = call.take()?;
        token::delete(&call.ctx, &tokens).await.map(done)
    };
    "token.deleteOwn" => |call| {
        let Tokens { tokens } = call.take()?;
        token::delete_own(&call.ctx, &tokens).await.map(done)
    };
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<String>,
}
