//! Servers: the entries to pools.

use app::server;
use serde_json::{Value, json};

use super::{Call, Handler, Reply, done};

handlers! {
    "server.add" => |call| {
        let new = call.take()?;
        Ok(Reply::Value(json!(server::add(&call.ctx, new).await?)))
    };
    "server.disable" => |call| server::disable(&call.ctx, &call.server()).await.map(done);
    "server.enable" => |call| server::enable(&call.ctx, &call.server()).await.map(done);
    "server.getAll" => |call| server::get_all(&call.ctx).map(|views| Reply::Value(Value::Array(views)));
    "server.remove" => |call| server::remove(&call.ctx, &call.server()).await.map(done);
    "server.set" => |call| {
        let id = call.server();
        call.params.remove("id");
        let changes = call.take()?;
        server::set(&call.ctx, &id, changes).await.map(done)
    };
}
