//! API tokens.

use app::token;
use serde_json::json;

use super::{Call, Handler, Reply, done};

handlers! {
    "token.create" => |call| {
        let request = call.take()?;
        Ok(Reply::Value(json!(token::create(&call.ctx, request).await?.expose())))
    };
    "token.delete" => |call| {
        let which = call.take()?;
        token::delete(&call.ctx, &which).await.map(done)
    };
    "token.deleteOwn" => |call| {
        let which = call.take()?;
        token::delete_own(&call.ctx, &which).await.map(done)
    };
    "token.set" => |call| {
        let description = call.params.get("description").map(|text| text.as_str().map(str::to_owned));
        token::set(&call.ctx, call.text("id"), description).await.map(done)
    };
}
