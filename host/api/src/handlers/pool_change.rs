//! What can be changed about pools and the cards of their hosts.

use app::pool;
use serde_json::Value;

use super::{Call, Handler, Reply, done, texts};

handlers! {
    "pif.connect" => |call| pool::connect_card(&call.ctx, &call.object("id")?).await.map(done);
    "pif.delete" => |call| pool::delete_card(&call.ctx, &call.object("id")?).await.map(done);
    "pif.disconnect" => |call| pool::disconnect_card(&call.ctx, &call.object("id")?).await.map(done);
    "pif.editPif" => |call| {
        let tag = call.params.get("vlan").unwrap_or(&Value::Null);
        pool::retag_card(&call.ctx, &call.object("id")?, tag).await.map(done)
    };
    "pif.getIpv4ConfigurationModes" => |_call| Ok(texts(&["None", "DHCP", "Static"]));
    "pif.getIpv6ConfigurationModes" => |_call| Ok(texts(&["None", "DHCP", "Static", "Autoconf"]));
    "pif.reconfigureIp" => |call| {
        pool::set_addresses(&call.ctx, &call.object("id")?, &call.read()?).await.map(done)
    };
    "pool.disableHa" => |call| pool::disable_ha(&call.ctx, &call.object("pool")?).await.map(done);
    "pool.enableHa" => |call| {
        let (srs, none) = (call.several("heartbeatSrs"), Value::Null);
        let configuration = call.params.get("configuration").unwrap_or(&none);
        pool::enable_ha(&call.ctx, &call.object("pool")?, &srs, configuration).await.map(done)
    };
    "pool.getLicenseState" => |call| pool::licence(&call.ctx, &call.object("pool")?).await.map(Reply::Value);
    "pool.listPoolsMatchingCriteria" => |call| {
        pool::matching(&call.ctx, &call.read()?).map(|pools| Reply::Value(Value::Array(pools)))
    };
    "pool.managementReconfigure" => |call| {
        pool::set_management(&call.ctx, &call.object("id")?, &call.object("network")?).await.map(done)
    };
    "pool.set" => |call| pool::set(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "pool.setDefaultSr" => |call| pool::set_default_sr(&call.ctx, &call.object("sr")?).await.map(done);
    "pool.setPoolMaster" => |call| pool::set_master(&call.ctx, &call.object("host")?).await.map(done);
}
