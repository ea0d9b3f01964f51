//! What is plugged into VMs.

use app::{disk, network, vm};
use serde::Deserialize;
use serde_json::Value;

use super::{Call, Handler, Reply, done, id};

handlers! {
    "vm.addDataSource" => |call| {
        vm::set_data_source(&call.ctx, &call.object("id")?, call.text("dataSource"), true).await.map(done)
    };
    "vm.attachDisk" => |call| {
        disk::attach(&call.ctx, &call.object("vm")?, &call.object("vdi")?, &call.read()?).await.map(done)
    };
    "vm.attachPcis" => |call| {
        let pcis = call.several("pcis");
        let pcis: Vec<_> = pcis.iter().map(|pci| &***pci).collect();
        vm::set_pcis(&call.ctx, &call.object("id")?, &pcis, &[]).await.map(done)
    };
    "vm.coalesceLeaf" => |call| vm::coalesce_leaf(&call.ctx, &call.object("id")?).await.map(done);
    "vm.getCloudInitConfig" => |call| vm::cloud_config(&call.ctx, &call.object("template")?).await.map(id);
    "vm.getSecurebootReadiness" => |call| {
        vm::secure_boot_readiness(&call.ctx, &call.object("id")?).await.map(Reply::Value)
    };
    "vm.createCloudInitConfigDrive" => |call| {
        let network = call.params.get("networkConfig").and_then(Value::as_str);
        let (vm, sr) = (call.object("vm")?, call.object("sr")?);
        vm::create_config_drive(&call.ctx, &vm, &sr, call.text("config"), network).await.map(done)
    };
    "vm.createInterface" => |call| {
        network::create_card(&call.ctx, &call.object("vm")?, &call.object("network")?, &call.read()?).await.map(id)
    };
    "vm.createVgpu" => |call| {
        let (vm, group, kind) = (call.object("vm")?, call.object("gpuGroup")?, call.object("vgpuType")?);
        vm::create_graphics(&call.ctx, &vm, &group, &kind).await.map(done)
    };
    "vm.deleteVgpu" => |call| vm::delete_graphics(&call.ctx, &call.object("vgpu")?).await.map(done);
    "vm.detachPcis" => |call| {
        let Pcis { pci_ids } = call.read()?;
        vm::set_pcis(&call.ctx, &call.object("id")?, &[], &pci_ids).await.map(done)
    };
    "vm.ejectCd" => |call| disk::eject_cd(&call.ctx, &call.object("id")?).await.map(done);
    "vm.insertCd" => |call| {
        let force = call.params.get("force").and_then(Value::as_bool).unwrap_or(true);
        disk::insert_cd(&call.ctx, &call.object("id")?, &call.object("cd_id")?, force, false).await.map(done)
    };
    "vm.removeDataSource" => |call| {
        vm::set_data_source(&call.ctx, &call.object("id")?, call.text("dataSource"), false).await.map(done)
    };
    "vtpm.create" => |call| vm::create_tpm(&call.ctx, &call.object("id")?).await.map(id);
    "vtpm.destroy" => |call| vm::delete_tpm(&call.ctx, &call.object("id")?).await.map(done);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pcis {
    pci_ids: Vec<String>,
}
