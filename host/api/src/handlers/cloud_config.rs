//! Templates of cloud-init configurations.

use app::cloud_config;
use serde_json::Value;

use super::{Call, Handler, Reply, done};

handlers! {
    "cloudConfig.create" => |call| {
        let (name, template) = (call.text("name"), call.text("template"));
        cloud_config::create(&call.ctx, name, template, false).await.map(Reply::Value)
    };
    "cloudConfig.createNetworkConfig" => |call| {
        let (name, template) = (call.text("name"), call.text("template"));
        cloud_config::create(&call.ctx, name, template, true).await.map(Reply::Value)
    };
    "cloudConfig.delete" => |call| cloud_config::delete(&call.ctx, call.text("id")).await.map(done);
    "cloudConfig.getAll" => |call| {
        cloud_config::list(&call.ctx, false).map(|configs| Reply::Value(Value::Array(configs)))
    };
    "cloudConfig.getAllNetworkConfigs" => |call| {
        cloud_config::list(&call.ctx, true).map(|configs| Reply::Value(Value::Array(configs)))
    };
    "cloudConfig.update" => |call| {
        let given = |name: &str| call.params.get(name).and_then(Value::as_str).map(str::to_owned);
        cloud_config::update(&call.ctx, call.text("id"), given("name"), given("template")).await.map(done)
    };
}
