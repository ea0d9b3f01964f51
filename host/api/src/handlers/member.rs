//! Hosts that join pools and leave them.

use app::member;

use super::{Call, Handler, done};

handlers! {
    "host.detach" => |call| member::detach(&call.ctx, &call.object("id")?).await.map(done);
    "pool.addHost" => |call| {
        let (pool, host) = (call.object("id")?, call.object("host")?);
        member::merge(&call.ctx, &[&host], &pool, call.flag("force")).await.map(done)
    };
    "pool.mergeInto" => |call| {
        let mut sources = call.several("sources");
        sources.extend(call.optional("source"));
        member::merge(&call.ctx, &sources, &call.object("target")?, call.flag("force")).await.map(done)
    };
}
