//! Hosts: taking them out of service and back, restarting them, their settings.

use std::sync::Arc;

use access::Action;
use model::{Kind, Object};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tracing::warn;
use wire::Failure;
use xapi::Value;

use crate::act::{act, acts, empty, same_pool};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::object::{self, Target, present, reference};

acts! {
    /// Lets VMs start on a host again.
    enable => "host.enable";
    /// Removes the record of a host that is gone for good.
    forget => "host.destroy";
    /// Looks for network cards.
    scan_cards => "PIF.scan";
    /// Switches a host on.
    start => "host.power_on";
    /// Restarts the toolstack of a host.
    restart_agent => "host.restart_agent";
    /// Looks for USB devices.
    scan_usb => "PUSB.scan";
}

/// Lets no VM start on a host any more; `transient` until it starts the next time.
pub async fn disable(ctx: &Ctx, host: &Target, transient: Option<bool>) -> Result<()> {
    let mut params = vec![reference(host)];
    // Older pools know only the first.
    params.extend(transient.map(Value::Bool));
    ctx.app.run(host, "host.disable", params).await.map(drop)
}

/// How to restart or to stop a host.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Leave {
    /// Does not move the VMs away.
    pub force: bool,
    /// Does not move the VMs away.
    pub bypass_evacuate: bool,
    /// Suspends the VMs and resumes them afterwards.
    pub suspend_resident_vms: bool,
}

/// Takes a host out of service and moves its VMs away; when they cannot move, it is as it was before.
async fn clear(ctx: &Ctx, host: &Target, move_away: bool) -> Result<()> {
    disable(ctx, host, None).await?;
    if !move_away {
        return Ok(());
    }
    leave(ctx, host, "host.evacuate").await
}

/// Does what a host was taken out of service for; when it fails, the host is back in service.
async fn leave(ctx: &Ctx, host: &Target, method: &str) -> Result<()> {
    let done = act(ctx, host, method).await;
    if done.is_err() {
        reenable(ctx, host).await;
    }
    done
}

/// Takes a host back into service, if it was there when the call began.
async fn reenable(ctx: &Ctx, host: &Target) {
    if host.as_host().is_some_and(|host| host.enabled) {
        ctx.app.undo(host, "host.enable", host.reference()).await;
    }
}

/// Returns the references of the VMs that run on a host.
fn residents(ctx: &Ctx, host: &Target) -> Vec<Value> {
    let snapshot = ctx.app.inventory.snapshot();
    let vms = host.as_host().into_iter().flat_map(|host| host.resident_vms.iter());
    let vms = vms.filter_map(|id| snapshot.get(id.as_str())).filter(|vm| vm.kind() == Kind::Vm);
    vms.map(|vm| reference(vm)).collect()
}

/// Restarts a host: its VMs are moved away before, or suspended and resumed, or with `force` go down with it.
pub async fn restart(ctx: &Ctx, host: &Target, how: &Leave) -> Result<()> {
    let app = &ctx.app;
    if !how.suspend_resident_vms {
        clear(ctx, host, !how.force).await?;
        return leave(ctx, host, "host.reboot").await;
    }
    let mut vms = Vec::new();
    disable(ctx, host, None).await?;
    let gone = async {
        for vm in residents(ctx, host) {
            app.run(host, "VM.suspend", vec![vm.clone()]).await?;
            vms.push(vm);
        }
        act(ctx, host, "host.reboot").await
    };
    let gone: Result<()> = gone.await;
    if let Err(error) = gone {
        reenable(ctx, host).await;
        resume(ctx, host, vms).await;
        return Err(error);
    }
    let (ctx, host) = (ctx.clone(), host.clone());
    let before = host.as_host().and_then(|host| host.start_time);
    app.workers.spawn(format!("VMs of {} after its restart", host.id()), async move {
        let is_back = |object: &Arc<Object>| object.as_host().is_some_and(|it| it.enabled && it.start_time != before);
        let mut stop = ctx.app.workers.stop_signal();
        let back = async {
            let fact =
                |snapshot: &inventory::Snapshot| snapshot.get(host.id().as_str()).filter(|it| is_back(it)).map(drop);
            while ctx.app.until(&host, fact).await.is_err() {}
        };
        tokio::select! {
            () = back => {}
            () = stop.wait() => return,
        }
        resume(&ctx, &host, vms).await;
    });
    Ok(())
}

async fn resume(ctx: &Ctx, host: &Target, vms: Vec<Value>) {
    for vm in vms {
        if let Err(error) = ctx.app.run(host, "VM.resume", vec![vm, false.into(), false.into()]).await {
            warn!(host = %host.id(), %error, "a VM that was suspended for a restart was not resumed");
        }
    }
}

/// Shuts a host down; its VMs are moved away before.
pub async fn stop(ctx: &Ctx, host: &Target, how: &Leave) -> Result<()> {
    clear(ctx, host, !how.bypass_evacuate).await?;
    leave(ctx, host, "host.shutdown").await
}

/// Suspends the VMs of a host and shuts it down.
pub async fn emergency_shutdown(ctx: &Ctx, host: &Target) -> Result<()> {
    disable(ctx, host, None).await?;
    for vm in residents(ctx, host) {
        // Time is short: who cannot be suspended goes down with the host.
        if let Err(error) = ctx.app.run(host, "VM.suspend", vec![vm]).await {
            warn!(host = %host.id(), %error, "a VM was not suspended before the shutdown");
        }
    }
    act(ctx, host, "host.shutdown").await
}

/// How to take a host out of service.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TakeOut {
    /// Moves its VMs away.
    pub evacuate: bool,
    /// VMs that are moved though their guests did not agree.
    #[serde(alias = "vmsToForceMigrate")]
    pub vm_ids_to_force_migrate: Vec<String>,
    /// Back into service when its toolstack starts the next time; none = as the pool does it.
    pub auto_enable: Option<bool>,
}

/// Takes a host out of service.
pub async fn take_out(ctx: &Ctx, host: &Target, how: &TakeOut) -> Result<()> {
    let forced = &how.vm_ids_to_force_migrate;
    if !how.evacuate {
        if !forced.is_empty() {
            return Err(Failure::invalid("VMs are only moved away with evacuate").into());
        }
        return disable(ctx, host, how.auto_enable).await;
    }
    let mut vms = Vec::new();
    for id in forced {
        let vm = object::permit(ctx, id, &["VM"], Action::Administrate)?;
        same_pool(host, &vm)?;
        vms.push(vm);
    }
    disable(ctx, host, how.auto_enable).await?;
    let work = async {
        for vm in &vms {
            let target = Value::record([("live", "true"), ("force", "true")]);
            let hosts = ctx.app.call(vm, "VM.get_possible_hosts", vec![reference(vm)]).await?;
            let mut hosts = hosts.as_array().unwrap_or_default().iter().filter(|it| **it != reference(host));
            let to = hosts.next().cloned().ok_or(Failure::NoHostsAvailable)?;
            ctx.app.run(vm, "VM.pool_migrate", vec![reference(vm), to, target]).await?;
        }
        act(ctx, host, "host.evacuate").await
    };
    let moved: Result<()> = work.await;
    if moved.is_err() {
        reenable(ctx, host).await;
    }
    moved
}

/// Changes to a host.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Changes {
    #[serde(rename = "iscsiIqn")]
    iscsi_iqn: Option<String>,
    name_label: Option<String>,
    name_description: Option<String>,
    multipathing: Option<bool>,
}

/// Changes a host.
pub async fn set(ctx: &Ctx, host: &Target, changes: &Changes) -> Result<()> {
    let mut calls: Vec<(&str, Vec<Value>)> = Vec::new();
    for (method, text) in [
        ("host.set_name_label", &changes.name_label),
        ("host.set_name_description", &changes.name_description),
        ("host.set_iscsi_iqn", &changes.iscsi_iqn),
    ] {
        if let Some(text) = text {
            calls.push((method, vec![text.as_str().into()]));
        }
    }
    if let Some(on) = changes.multipathing {
        calls.push(("host.set_multipathing", vec![on.into()]));
    }
    ctx.app.each(host, calls).await
}

/// Where a host sends its log.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Syslog {
    #[serde(deserialize_with = "present")]
    syslog_destination: Option<Option<String>>,
}

/// Says where a host sends its log; null keeps it at home.
pub async fn set_syslog(ctx: &Ctx, host: &Target, syslog: &Syslog) -> Result<()> {
    let key = || Value::from("syslog_destination");
    ctx.app.call(host, "host.remove_from_logging", vec![reference(host), key()]).await?;
    if let Some(destination) = syslog.syslog_destination.iter().flatten().next() {
        let params = vec![reference(host), key(), destination.as_str().into()];
        ctx.app.call(host, "host.add_to_logging", params).await?;
    }
    act(ctx, host, "host.syslog_reconfigure").await
}

/// Moves the management of a host to another of its cards.
pub async fn set_management(ctx: &Ctx, host: &Target, card: &Target) -> Result<()> {
    if card.as_pif().and_then(|pif| pif.host.as_ref()) != Some(host.id()) {
        return Err(Failure::invalid("the pif belongs to another host").into());
    }
    ctx.app.run(host, "host.management_reconfigure", vec![reference(card)]).await.map(drop)
}

/// Returns which processors a host takes for one when it shares them out; none where it does not tell.
pub async fn scheduler_granularity(ctx: &Ctx, host: &Target) -> Result<Json> {
    match ctx.app.call(host, "host.get_sched_gran", vec![reference(host)]).await {
        Ok(word) => Ok(object::to_json(&word)),
        Err(Error { failure: Failure::Xapi { code, .. }, .. }) if code == "MESSAGE_METHOD_UNKNOWN" => Ok(Json::Null),
        Err(error) => Err(error),
    }
}

/// Says which processors a host takes for one when it shares them out.
pub async fn set_scheduler_granularity(ctx: &Ctx, host: &Target, word: &str) -> Result<()> {
    ctx.app.run(host, "host.set_sched_gran", vec![reference(host), word.into()]).await.map(drop)
}

/// How far the clock of a host may be off, in milliseconds.
const DRIFT: i64 = 30_000;

/// Returns whether the clock of a host agrees with ours.
pub async fn is_time_consistent(ctx: &Ctx, host: &Target) -> Result<bool> {
    let asked = ctx.app.clock.now();
    let theirs = ctx.app.call(host, "host.get_servertime", vec![reference(host)]).await?;
    let text: String = theirs.as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).take(14).collect();
    let theirs = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &text);
    let theirs = theirs.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
    let theirs = theirs.map_err(|_| Failure::Internal(format!("the host answered no time: {text}")))?;
    Ok((theirs.timestamp().as_millisecond() - i64::try_from(asked).unwrap_or_default()).abs() < DRIFT)
}

/// Asks a plugin of a host, which answers JSON.
async fn plugin(ctx: &Ctx, host: &Target, name: &str, function: &str, arguments: Value) -> Result<Json> {
    let params = vec![reference(host), name.into(), function.into(), arguments];
    let text = ctx.app.run(host, "host.call_plugin", params).await?;
    let text = text.as_str().unwrap_or_default();
    Ok(serde_json::from_str(text).unwrap_or_else(|_| text.into()))
}

/// Asks a plugin that not every host has; null where it is missing.
pub(crate) async fn plugin_if_any(
    ctx: &Ctx,
    host: &Target,
    name: &str,
    function: &str,
    arguments: Value,
) -> Result<Json> {
    match plugin(ctx, host, name, function, arguments).await {
        Err(Error { failure: Failure::Xapi { code, .. }, .. })
            if code == "XENAPI_MISSING_PLUGIN" || code == "UNKNOWN_XENAPI_PLUGIN_FUNCTION" =>
        {
            Ok(Json::Null)
        }
        other => other,
    }
}

/// Returns whether the processors of a host run two threads each.
pub async fn is_hyper_threading(ctx: &Ctx, host: &Target) -> Result<bool> {
    let answer = plugin(ctx, host, "hyperthreading.py", "get_hyperthreading", empty()).await?;
    Ok(answer == Json::Bool(true) || answer == "true")
}

/// Returns the state of the software RAID of a host, null without one.
pub async fn raid(ctx: &Ctx, host: &Target) -> Result<Json> {
    plugin_if_any(ctx, host, "raid.py", "check_raid_pool", empty()).await
}

/// Returns how well the disks of a host are, null where it does not tell.
pub async fn disk_health(ctx: &Ctx, host: &Target) -> Result<Json> {
    plugin_if_any(ctx, host, "smartctl.py", "health", empty()).await
}

/// Returns what the disks of a host say of themselves, null where it does not tell.
pub async fn disk_information(ctx: &Ctx, host: &Target, names: Option<&[Json]>) -> Result<Json> {
    let mut all = plugin_if_any(ctx, host, "smartctl.py", "information", empty()).await?;
    if let (Json::Object(disks), Some(names)) = (&mut all, names) {
        disks.retain(|disk, _| names.iter().any(|name| name == disk.as_str()));
    }
    Ok(all)
}

/// Returns the block devices of a host.
pub async fn block_devices(ctx: &Ctx, host: &Target) -> Result<Json> {
    let answer = plugin_if_any(ctx, host, "lsblk.py", "list_block_devices", empty()).await?;
    if answer.is_null() { Err(not_xcp_ng(host)) } else { Ok(answer) }
}

/// Says that only XCP-ng has what was asked for.
pub(crate) fn not_xcp_ng(host: &Target) -> Error {
    Error::from(Failure::IncorrectState {
        actual: host.as_host().and_then(|host| host.product_brand.as_deref()).unwrap_or_default().to_owned(),
        expected: "XCP-ng".into(),
        object: host.id().to_string(),
        property: "productBrand".into(),
    })
}

/// Returns what a host says of its firmware: `{currentBiosVersion}`, nothing in it when it does not say.
pub async fn bios(ctx: &Ctx, host: &Target) -> Result<Json> {
    let strings = ctx.app.call(host, "host.get_bios_strings", vec![reference(host)]).await?;
    let version = strings.get("bios-version").and_then(Value::as_str).filter(|version| !version.is_empty());
    Ok(version.map_or_else(|| json!({}), |version| json!({ "currentBiosVersion": version })))
}

/// Bits below which the RSA key of a host is not accepted by its clients any more.
const SHORT_KEY: usize = 2_048;

/// Returns whether the key in the certificate of a host is an RSA key that is too short.
pub async fn is_key_too_short(ctx: &Ctx, host: &Target) -> Result<bool> {
    let certificate = ctx.app.run(host, "host.get_server_certificate", vec![reference(host)]).await?;
    let bits = crate::certificate::rsa_bits(certificate.as_str().unwrap_or_default());
    Ok(bits.is_some_and(|bits| bits < SHORT_KEY))
}

/// Gives the control domain of a host so many bytes of memory, and restarts the host, which is out of service already.
pub async fn set_control_domain_memory(ctx: &Ctx, host: &Target, memory: i64) -> Result<()> {
    if host.as_host().is_some_and(|host| host.enabled) {
        return Err(Failure::IncorrectState {
            actual: "true".into(),
            expected: "false".into(),
            object: host.id().to_string(),
            property: "enabled".into(),
        }
        .into());
    }
    let app = &ctx.app;
    // Older pools do not say which of the VMs on it that is.
    let domain = {
        let snapshot = app.inventory.snapshot();
        let mut domains = snapshot.in_pool_of_kind(host.pool(), Kind::VmController);
        let own = |domain: &&Arc<Object>| domain.as_vm().and_then(|vm| vm.container.as_ref()) == Some(host.id());
        domains.find(own).map(|domain| reference(domain))
    };
    let domain = domain.ok_or_else(|| Failure::no_such(host.id().as_str(), "VM-controller"))?;
    let mut limits = [0; 2];
    for (limit, method) in limits.iter_mut().zip(["VM.get_memory_static_min", "VM.get_memory_static_max"]) {
        *limit = app.call(host, method, vec![domain.clone()]).await?.as_i64().unwrap_or_default();
    }
    let [least, most] = limits;
    let set = async |method: &str, low: i64, high: i64| {
        app.run(host, method, vec![domain.clone(), Value::Int(low), Value::Int(high)]).await.map(drop)
    };
    // The limits have to be in order at each step: room first, then the amount, then what is not needed any more.
    set("VM.set_memory_static_range", least.min(memory), most.max(memory)).await?;
    set("VM.set_memory_dynamic_range", memory, memory).await?;
    set("VM.set_memory_static_range", least.min(memory), memory).await?;
    act(ctx, host, "host.reboot").await
}

/// Gives a host another certificate.
pub async fn install_certificate(ctx: &Ctx, host: &Target, certificate: &str, key: &str, chain: &str) -> Result<()> {
    let params = vec![reference(host), certificate.into(), key.into(), chain.into()];
    ctx.app.run(host, "host.install_server_certificate", params).await.map(drop)
}

/// Says whether a USB device may be handed to a VM.
pub async fn set_usb(ctx: &Ctx, device: &Target, enabled: Option<bool>) -> Result<()> {
    let Some(enabled) = enabled else { return Ok(()) };
    ctx.app.run(device, "PUSB.set_passthrough_enabled", vec![reference(device), enabled.into()]).await.map(drop)
}

/// Gives a VM the USB devices of a group; returns the id of the connection.
pub async fn plug_usb(ctx: &Ctx, vm: &Target, group: &Target) -> Result<String> {
    same_pool(vm, group)?;
    let made = ctx.app.make(vm, "VUSB.create", vec![reference(vm), reference(group), empty()]).await?;
    Ok(ctx.app.seen(vm, &made).await?.id().to_string())
}

acts! {
    /// Takes a USB device away from a VM.
    remove_usb => "VUSB.destroy";
    /// Unplugs a USB device from a running VM.
    unplug_usb => "VUSB.unplug";
}

/// Returns whether a PCI device is hidden from the control domain.
pub async fn dom0_access(ctx: &Ctx, device: &Target) -> Result<Json> {
    let word = ctx.app.run(device, "PCI.get_dom0_access_status", vec![reference(device)]).await?;
    Ok(object::to_json(&word))
}
