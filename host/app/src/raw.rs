//! Disks, their places, network cards and SRs, made with every property that the pool knows of them.

use std::collections::BTreeMap;

use access::Action;
use model::object::PowerState;
use serde::Deserialize;
use wire::Failure;
use xapi::Value;

use crate::act::{NULL, same_pool};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::ip_pool::Given;
use crate::object::{self, Target, reference};
use crate::{disk, network, resource_set};

/// Texts by name, as the pool keeps them.
type Texts = BTreeMap<String, String>;

fn record(texts: &Texts) -> Value {
    Value::record(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

fn is_running(vm: &Target) -> bool {
    vm.as_vm().is_some_and(|vm| vm.power_state == PowerState::Running)
}

/// A new image.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Image {
    name_label: String,
    name_description: String,
    virtual_size: i64,
    #[serde(rename = "type")]
    kind: Option<String>,
    read_only: bool,
    sharable: bool,
    tags: Vec<String>,
    other_config: Texts,
    sm_config: Texts,
    xenstore_data: Texts,
}

/// Makes an image and returns its id.
pub async fn create_image(ctx: &Ctx, sr: &Target, new: &Image) -> Result<String> {
    let tags = new.tags.iter().map(|tag| tag.as_str().into()).collect();
    let fields = Value::record([
        ("name_label", new.name_label.as_str().into()),
        ("name_description", new.name_description.as_str().into()),
        ("SR", reference(sr)),
        ("virtual_size", Value::Int(new.virtual_size)),
        ("type", new.kind.as_deref().unwrap_or("user").into()),
        ("sharable", new.sharable.into()),
        ("read_only", new.read_only.into()),
        ("other_config", record(&new.other_config)),
        ("xenstore_data", record(&new.xenstore_data)),
        ("sm_config", record(&new.sm_config)),
        ("tags", Value::Array(tags)),
    ]);
    let image = ctx.app.make(sr, "VDI.create", vec![fields]).await?;
    Ok(ctx.app.seen(sr, &image).await?.id().to_string())
}

/// A new place of an image in a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    bootable: bool,
    mode: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    userdevice: Option<String>,
    empty: bool,
    unpluggable: Option<bool>,
    other_config: Texts,
    qos_algorithm_type: String,
    qos_algorithm_params: Texts,
}

/// Makes a place for an image in a VM and returns its id. A disk of a running VM is plugged in; one that cannot be gets no
/// place.
pub async fn create_place(ctx: &Ctx, vm: &Target, image: &Target, new: &Place) -> Result<String> {
    same_pool(vm, image)?;
    let app = &ctx.app;
    let kind = new.kind.as_deref().unwrap_or("Disk");
    let room = match kind {
        _ if new.empty => None,
        // A CD counts in no resource set.
        "CD" => resource_set::may_leave(ctx, image).map(|()| None)?,
        _ => disk::room_in(ctx, vm, image).await?,
    };
    // A CD is never written.
    let mode = new.mode.as_deref().unwrap_or(if kind == "CD" { "RO" } else { "RW" });
    let fields = Value::record([
        ("VM", reference(vm)),
        ("VDI", if new.empty { NULL.into() } else { reference(image) }),
        ("userdevice", new.userdevice.as_deref().unwrap_or("autodetect").into()),
        ("bootable", new.bootable.into()),
        ("mode", mode.into()),
        ("type", kind.into()),
        ("unpluggable", new.unpluggable.unwrap_or(true).into()),
        ("empty", new.empty.into()),
        ("other_config", record(&new.other_config)),
        ("qos_algorithm_type", new.qos_algorithm_type.as_str().into()),
        ("qos_algorithm_params", record(&new.qos_algorithm_params)),
    ]);
    let place = app.make(vm, "VBD.create", vec![fields]).await?;
    if kind == "Disk"
        && is_running(vm)
        && let Err(error) = app.run(vm, "VBD.plug", vec![(&*place).into()]).await
    {
        app.undo(vm, "VBD.destroy", &place).await;
        return Err(error);
    }
    resource_set::commit(room).await;
    Ok(app.seen(vm, &place).await?.id().to_string())
}

/// A new network card of a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Card {
    device: Option<String>,
    #[serde(rename = "MAC")]
    mac: String,
    #[serde(rename = "MTU")]
    mtu: Option<i64>,
    currently_attached: bool,
    ipv4_allowed: Vec<String>,
    ipv6_allowed: Vec<String>,
    locking_mode: Option<String>,
    other_config: Texts,
    qos_algorithm_type: String,
    qos_algorithm_params: Texts,
}

/// Gives a VM a network card and returns its id. It is plugged in if that is asked for and the VM runs; one that cannot be is
/// taken away again.
pub async fn create_card(ctx: &Ctx, vm: &Target, network: &Target, new: &Card) -> Result<String> {
    same_pool(vm, network)?;
    network::may_join(ctx, vm, network)?;
    if new.locking_mode.is_some() && ctx.app.home_of(vm)?.is_some() {
        // It could say whose addresses it likes.
        let _network = object::permit(ctx, network.id().as_str(), &["network"], Action::Operate)?;
    }
    let given = [Given::read(network.id().as_str(), &new.ipv4_allowed, &new.ipv6_allowed)?];
    let (_held, room) = network::give(ctx, vm, &[], &given).await?;
    let app = &ctx.app;
    let device = match &new.device {
        Some(device) => device.clone(),
        None => app.free_card_position(vm, vm.reference()).await?,
    };
    let list = |addresses: &[String]| Value::Array(addresses.iter().map(|address| address.as_str().into()).collect());
    let locked = !new.ipv4_allowed.is_empty() || !new.ipv6_allowed.is_empty();
    let mtu = new.mtu.unwrap_or_else(|| network.as_network().map_or(1500, |network| network.mtu));
    let mode = new.locking_mode.as_deref().unwrap_or(if locked { "locked" } else { "network_default" });
    let fields = Value::record([
        ("device", device.into()),
        ("network", reference(network)),
        ("VM", reference(vm)),
        ("MAC", new.mac.as_str().into()),
        ("MTU", Value::Int(mtu)),
        ("other_config", record(&new.other_config)),
        ("qos_algorithm_type", new.qos_algorithm_type.as_str().into()),
        ("qos_algorithm_params", record(&new.qos_algorithm_params)),
        ("locking_mode", mode.into()),
        ("ipv4_allowed", list(&new.ipv4_allowed)),
        ("ipv6_allowed", list(&new.ipv6_allowed)),
    ]);
    let card = app.make(vm, "VIF.create", vec![fields]).await?;
    if new.currently_attached
        && is_running(vm)
        && let Err(error) = app.run(vm, "VIF.plug", vec![(&*card).into()]).await
    {
        app.undo(vm, "VIF.destroy", &card).await;
        return Err(error);
    }
    resource_set::commit(room).await;
    Ok(app.seen(vm, &card).await?.id().to_string())
}

/// A new SR.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sr {
    name_label: String,
    name_description: String,
    #[serde(rename = "SR_type")]
    kind: String,
    device_config: Texts,
    content_type: Option<String>,
    /// Bytes; none = as much as there is.
    size: Option<i64>,
    sm_config: Texts,
}

/// Drivers whose SRs one host has for itself.
const LOCAL: [&str; 9] = ["dummy", "ext", "file", "hba", "largeblock", "lvm", "udev", "xfs", "zfs"];

impl Sr {
    /// Returns whether all hosts of the pool share it: that follows from its driver.
    fn is_shared(&self) -> bool {
        match &*self.kind {
            "iso" => self.device_config.get("legacy_mode").is_none_or(|mode| mode != "true"),
            kind => !LOCAL.contains(&kind),
        }
    }
}

/// Makes an SR and returns its id.
pub async fn create_sr(ctx: &Ctx, host: &Target, new: &Sr) -> Result<String> {
    if new.kind == "linstor" {
        return Err(Failure::NotImplemented.into());
    }
    let content = new.content_type.as_deref().unwrap_or(if new.kind == "iso" { "iso" } else { "user" });
    let params = vec![
        reference(host),
        record(&new.device_config),
        Value::Int(new.size.unwrap_or_default()),
        new.name_label.as_str().into(),
        new.name_description.as_str().into(),
        new.kind.as_str().into(),
        content.into(),
        new.is_shared().into(),
        record(&new.sm_config),
    ];
    let made = ctx.app.make(host, "SR.create", params).await?;
    Ok(ctx.app.seen(host, &made).await?.id().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shares_an_sr_follows_from_its_driver() {
        for (kind, legacy, shared) in [
            ("nfs", None, true),
            ("lvmoiscsi", None, true),
            ("ext", None, false),
            ("iso", Some("true"), false),
            ("iso", Some("false"), true),
            ("iso", None, true),
        ] {
            let device_config = legacy.map(|mode| ("legacy_mode".to_owned(), mode.to_owned())).into_iter().collect();
            let sr = Sr { kind: kind.to_owned(), device_config, ..Sr::default() };
            assert_eq!(sr.is_shared(), shared, "{kind} {legacy:?}");
        }
    }
}
