//! Plugins.

use app::plugin;
use model::InstanceId;
use plugin_runtime::{Grant, Mode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Handler, Reply, done};

handlers! {
    "plugin.configure" => |call| {
        let configuration = call.params.get("configuration").cloned().unwrap_or_default();
        plugin::configure(&call.ctx, &call.instance(), &configuration).await.map(done)
    };
    "plugin.disableAutoload" => |call| plugin::disable_autoload(&call.ctx, &call.instance()).await.map(done);
    "plugin.enableAutoload" => |call| plugin::enable_autoload(&call.ctx, &call.instance()).await.map(done);
    "plugin.get" => |call| {
        plugin::refresh(&call.ctx).await;
        plugin::get(&call.ctx).map(|views| Reply::Value(Value::Array(views)))
    };
    "plugin.grant" => |call| {
        let instance = call.instance();
        let GrantParams { capability, mode, options } = call.take()?;
        plugin::grant(&call.ctx, &instance, Grant { capability, mode, options }).await.map(done)
    };
    "plugin.load" => |call| plugin::load(&call.ctx, &call.instance()).await.map(done);
    "plugin.purgeConfiguration" => |call| plugin::purge_configuration(&call.ctx, &call.instance()).await.map(done);
    "plugin.revoke" => |call| plugin::revoke(&call.ctx, &call.instance(), call.text("capability")).await.map(done);
    "plugin.test" => |call| {
        let TestParams { id, data, configuration, grants } = call.take()?;
        let grants = grants.into_iter().map(|grant| Grant {
            capability: grant.capability, mode: grant.mode, options: grant.options,
        });
        let (id, grants) = (InstanceId::from(id), grants.collect());
        let tested = plugin::test(&call.ctx, &id, configuration.as_ref(), data.as_ref(), grants).await?;
        Ok(Reply::Value(json!(tested)))
    };
    "plugin.unload" => |call| plugin::unload(&call.ctx, &call.instance()).await.map(done);
}

#[derive(Deserialize)]
struct GrantParams {
    capability: String,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    options: Value,
}

#[derive(Deserialize)]
struct TestParams {
    id: String,
    data: Option<Value>,
    configuration: Option<Value>,
    #[serde(default)]
    grants: Vec<GrantParams>,
}
