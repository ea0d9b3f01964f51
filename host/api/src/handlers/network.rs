//! Networks and network cards.

use app::network;

use super::{Call, Handler, Reply, done, id, list, one, texts};

handlers! {
    "network.create" => |call| {
        network::create(&call.ctx, &call.object("pool")?, call.optional("pif"), &call.read()?).await.map(id)
    };
    "network.createBonded" => |call| {
        let (pool, cards) = (call.object("pool")?, call.several("pifs"));
        network::create_bonded(&call.ctx, &pool, &cards, &call.read()?).await.map(Reply::Value)
    };
    "network.delete" => |call| network::delete(&call.ctx, &call.object("id")?).await.map(done);
    "network.getBondModes" => |_call| Ok(texts(&["balance-slb", "active-backup", "lacp"]));
    "network.set" => |call| network::set(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "vif.connect" => |call| network::connect(&call.ctx, &call.object("id")?).await.map(done);
    "vif.delete" => |call| network::delete_card(&call.ctx, &call.object("id")?).await.map(done);
    "vif.disconnect" => |call| network::disconnect(&call.ctx, &call.object("id")?).await.map(done);
    "vif.getLockingModeValues" => |_call| Ok(texts(&["disabled", "locked", "network_default", "unlocked"]));
    "vif.set" => |call| {
        network::set_card(&call.ctx, &call.object("id")?, call.optional("network"), &call.read()?).await.map(id)
    };
    "network.get" => |call| one(&call, "network");
    "network.list" => |call| list(&call, "networks");
    "pif.get" => |call| one(&call, "PIF");
    "pif.list" => |call| list(&call, "pifs");
    "vif.get" => |call| one(&call, "VIF");
    "vif.list" => |call| list(&call, "vifs");
}
