//! Making, finding, connecting and leaving storage repositories.

use app::sr::{self, Kind, Probe};
use app::sr_state;
use serde_json::{Value, json};

use super::{Answer, Call, Handler, Reply, done, id};

handlers! {
    "pbd.connect" => |call| sr::connect(&call.ctx, &call.object("id")?).await.map(done);
    "pbd.delete" => |call| sr::delete_connection(&call.ctx, &call.object("id")?).await.map(done);
    "pbd.disconnect" => |call| sr::disconnect(&call.ctx, &call.object("id")?).await.map(done);
    "sm.getFromSr" => |call| sr::driver(&call.ctx, &call.object("sr")?).await.map(Reply::Value);
    "sr.connectAllPbds" => |call| sr::connect_all(&call.ctx, &call.object("id")?, true).await.map(done);
    "sr.createExt" => |call| sr::create(&call.ctx, &call.object("host")?, Kind::Ext, &call.read()?).await.map(id);
    "sr.createHba" => |call| sr::create(&call.ctx, &call.object("host")?, Kind::Hba, &call.read()?).await.map(id);
    "sr.createIscsi" => |call| sr::create(&call.ctx, &call.object("host")?, Kind::Iscsi, &call.read()?).await.map(id);
    "sr.createIso" => |call| sr::create(&call.ctx, &call.object("host")?, Kind::Iso, &call.read()?).await.map(id);
    "sr.createLvm" => |call| sr::create(&call.ctx, &call.object("host")?, Kind::Lvm, &call.read()?).await.map(id);
    "sr.createNfs" => |call| sr::create(&call.ctx, &call.object("host")?, Kind::Nfs, &call.read()?).await.map(id);
    "sr.createSmb" => |call| sr::create(&call.ctx, &call.object("host")?, Kind::Smb, &call.read()?).await.map(id);
    "sr.createZfs" => |call| sr::create(&call.ctx, &call.object("host")?, Kind::Zfs, &call.read()?).await.map(id);
    "sr.destroy" => |call| sr::destroy(&call.ctx, &call.object("id")?).await.map(done);
    "sr.disableMaintenanceMode" => |call| {
        sr_state::disable_maintenance(&call.ctx, &call.object("id")?).await.map(done)
    };
    "sr.enableMaintenanceMode" => |call| {
        let vms = call.params.get("vmsToShutdown").and_then(Value::as_array);
        let vms: Vec<String> = vms.into_iter().flatten().filter_map(|id| Some(id.as_str()?.to_owned())).collect();
        sr_state::enable_maintenance(&call.ctx, &call.object("id")?, &vms).await.map(done)
    };
    "sr.getAllUnhealthyVdiChainsLength" => |call| {
        Ok(Reply::Value(json!(sr_state::unhealthy_chains(&call.ctx)?)))
    };
    "sr.getVdiChainsInfo" => |call| Ok(Reply::Value(json!(sr_state::chains(&call.ctx, &call.object("id")?))));
    "sr.disconnectAllPbds" => |call| sr::connect_all(&call.ctx, &call.object("id")?, false).await.map(done);
    "sr.forget" => |call| sr::forget(&call.ctx, &call.object("id")?).await.map(done);
    "sr.probeHba" => |call| probe(&call, Kind::Hba, Probe::Adapters).await;
    "sr.probeHbaExists" => |call| probe(&call, Kind::Hba, Probe::Existing).await;
    "sr.probeIscsiExists" => |call| probe(&call, Kind::Iscsi, Probe::Existing).await;
    "sr.probeIscsiIqns" => |call| probe(&call, Kind::Iscsi, Probe::Iqns).await;
    "sr.probeIscsiLuns" => |call| probe(&call, Kind::Iscsi, Probe::Luns).await;
    "sr.probeNfs" => |call| probe(&call, Kind::Nfs, Probe::Exports).await;
    "sr.probeNfsExists" => |call| probe(&call, Kind::Nfs, Probe::Existing).await;
    "sr.probeZfs" => |call| sr::probe_zfs(&call.ctx, &call.object("host")?).await.map(Reply::Value);
    "sr.reclaimSpace" => |call| sr::reclaim(&call.ctx, &call.object("id")?).await.map(done);
    "sr.scan" => |call| sr::scan(&call.ctx, &call.object("id")?).await.map(done);
    "sr.set" => |call| sr::set(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
}

async fn probe(call: &Call, kind: Kind, what: Probe) -> Answer {
    sr::probe(&call.ctx, &call.object("host")?, kind, what, &call.read()?).await.map(Reply::Value)
}
