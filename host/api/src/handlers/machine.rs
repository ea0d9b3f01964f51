//! Hosts as machines: in and out of service, restarted, set up.

use app::host::{self, Leave, TakeOut};
use serde_json::Value;
use wire::Failure;

use super::{Call, Handler, Reply, done, id};

handlers! {
    "host.disable" => |call| {
        let transient = call.params.get("transient").and_then(Value::as_bool);
        host::disable(&call.ctx, &call.object("id")?, transient).await.map(done)
    };
    "host.emergencyShutdownHost" => |call| {
        host::emergency_shutdown(&call.ctx, &call.object("host")?).await.map(done)
    };
    "host.enable" => |call| host::enable(&call.ctx, &call.object("id")?).await.map(done);
    "host.forget" => |call| host::forget(&call.ctx, &call.object("id")?).await.map(done);
    "host.getBiosInfo" => |call| host::bios(&call.ctx, &call.object("id")?).await.map(Reply::Value);
    "host.getBlockdevices" => |call| host::block_devices(&call.ctx, &call.object("id")?).await.map(Reply::Value);
    "host.getMdadmHealth" => |call| host::raid(&call.ctx, &call.object("id")?).await.map(Reply::Value);
    "host.getSchedulerGranularity" => |call| {
        host::scheduler_granularity(&call.ctx, &call.object("id")?).await.map(Reply::Value)
    };
    "host.getSmartctlHealth" => |call| host::disk_health(&call.ctx, &call.object("id")?).await.map(Reply::Value);
    "host.getSmartctlInformation" => |call| {
        let names = call.params.get("deviceNames").and_then(Value::as_array).map(Vec::as_slice);
        host::disk_information(&call.ctx, &call.object("id")?, names).await.map(Reply::Value)
    };
    "host.installCertificate" => |call| {
        let (certificate, key, chain) = (call.text("certificate"), call.text("privateKey"), call.text("chain"));
        host::install_certificate(&call.ctx, &call.object("id")?, certificate, key, chain).await.map(done)
    };
    "host.isPubKeyTooShort" => |call| {
        Ok(Reply::Value(host::is_key_too_short(&call.ctx, &call.object("id")?).await?.into()))
    };
    "host.setControlDomainMemory" => |call| {
        let memory = call.params.get("memory").and_then(Value::as_i64);
        let memory = memory.ok_or_else(|| Failure::invalid("memory is a number of bytes"))?;
        host::set_control_domain_memory(&call.ctx, &call.object("id")?, memory).await.map(done)
    };
    "host.isHostServerTimeConsistent" => |call| {
        Ok(Reply::Value(host::is_time_consistent(&call.ctx, &call.object("host")?).await?.into()))
    };
    "host.isHyperThreadingEnabled" => |call| {
        Ok(Reply::Value(host::is_hyper_threading(&call.ctx, &call.object("id")?).await?.into()))
    };
    "host.managementReconfigure" => |call| {
        host::set_management(&call.ctx, &call.object("id")?, &call.object("pif")?).await.map(done)
    };
    "host.restart" => |call| host::restart(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "host.restartAgent" => |call| host::restart_agent(&call.ctx, &call.object("id")?).await.map(done);
    "host.restart_agent" => |call| host::restart_agent(&call.ctx, &call.object("id")?).await.map(done);
    "host.scanPifs" => |call| host::scan_cards(&call.ctx, &call.object("id")?).await.map(done);
    "host.set" => |call| host::set(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "host.setMaintenanceMode" => |call| {
        let (host, how) = (call.object("id")?, TakeOut { evacuate: true, ..call.read()? });
        match call.flag("maintenance") {
            true => host::take_out(&call.ctx, &host, &how).await.map(done),
            false => host::enable(&call.ctx, &host).await.map(done),
        }
    };
    "host.setRemoteSyslogHost" => |call| {
        host::set_syslog(&call.ctx, &call.object("id")?, &call.read()?).await.map(done)
    };
    "host.setSchedulerGranularity" => |call| {
        let word = call.text("schedulerGranularity");
        host::set_scheduler_granularity(&call.ctx, &call.object("id")?, word).await.map(done)
    };
    "host.start" => |call| host::start(&call.ctx, &call.object("id")?).await.map(done);
    "host.stop" => |call| host::stop(&call.ctx, &call.object("id")?, &call.read::<Leave>()?).await.map(done);
    "pci.getDom0AccessStatus" => |call| host::dom0_access(&call.ctx, &call.object("id")?).await.map(Reply::Value);
    "pusb.scan" => |call| host::scan_usb(&call.ctx, &call.object("host")?).await.map(done);
    "pusb.set" => |call| {
        let enabled = call.params.get("enabled").and_then(Value::as_bool);
        host::set_usb(&call.ctx, &call.object("id")?, enabled).await.map(done)
    };
    "vusb.create" => |call| host::plug_usb(&call.ctx, &call.object("vm")?, &call.object("usbGroup")?).await.map(id);
    "vusb.destroy" => |call| host::remove_usb(&call.ctx, &call.object("id")?).await.map(done);
    "vusb.unplug" => |call| host::unplug_usb(&call.ctx, &call.object("id")?).await.map(done);
}
