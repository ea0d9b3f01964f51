//! What was asked for, checked: everything that can be wrong about it is found before the first call.

use access::Action;
use serde_json::json;
use wire::Failure;

use super::super::config_drive;
use super::super::set::{self, Call};
use super::{Disk, Hardware, New};
use crate::act::same_pool;
use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::fine;
use crate::ip_pool::{self, Given};
use crate::network::NewCard;
use crate::object::{self, Target, bytes};
use crate::resource_set::{self, Amounts, ResourceSet};

/// A new VM.
pub(super) struct Plan<'a> {
    pub(super) set: Option<ResourceSet>,
    pub(super) cards: Vec<(Target, &'a NewCard)>,
    /// The addresses of the cards.
    pub(super) given: Vec<Given>,
    pub(super) disks: Vec<(Target, i64, &'a Disk)>,
    pub(super) existing: Vec<(&'a str, Option<Target>, Option<i64>, &'a Disk)>,
    /// Positions of disks that the template brings and nobody wants.
    pub(super) unwanted: Vec<&'a str>,
    pub(super) disc: Option<Target>,
    pub(super) config: Option<&'a str>,
    pub(super) graphics: Option<(&'a Target, &'a Target)>,
}

/// Checks what is asked for. In a resource set it takes no right to an SR but that the set has it.
pub(super) fn plan<'a>(
    ctx: &Ctx,
    template: &Target,
    hardware: &Hardware<'a>,
    new: &'a New,
    set: Option<ResourceSet>,
) -> Result<Plan<'a>> {
    let in_set = set.is_some();
    let here = |id: &str, kind: &'static str, action| -> Result<Target> {
        let target = object::permit(ctx, id, &[kind], action)?;
        same_pool(template, &target)?;
        Ok(target)
    };
    let storage = |id: &str, disk: &Disk, size: Option<i64>| -> Result<Target> {
        let mut new = json!({ "type": "VDI", "$SR": id, "name_label": disk.name_label });
        new["name_description"] = json!(disk.name_description);
        new["size"] = json!(size);
        here(id, "SR", fine::may_make(ctx, in_set, "vdi", &new)?)
    };
    let mut plan = Plan {
        set,
        cards: vec![],
        given: vec![],
        disks: vec![],
        existing: vec![],
        unwanted: vec![],
        disc: None,
        config: None,
        graphics: hardware.graphics,
    };
    for card in new.cards.iter().flatten() {
        let new = json!({
            "type": "VIF", "$network": card.network, "MAC": card.card.mac,
            "allowedIpv4Addresses": card.card.allowed_ipv4_addresses,
            "allowedIpv6Addresses": card.card.allowed_ipv6_addresses,
        });
        let network = here(&card.network, "network", fine::may_make(ctx, in_set, "vif", &new)?)?;
        plan.given.push(card.card.given(&network)?);
        plan.cards.push((network, &card.card));
    }
    let default = |set: Option<&ResourceSet>, disk: &Disk, size| {
        let snapshot = ctx.app.inventory.snapshot();
        let default = snapshot.get(template.pool().as_str()).and_then(|pool| pool.as_pool()?.default_sr.clone());
        let may_use = |sr: &str| set.is_none_or(|set| resource_set::may_use(ctx, set, &[sr]).is_ok());
        // One that may not be used is none, and is not named.
        let default = default.filter(|sr| may_use(sr.as_str())).and_then(|sr| storage(sr.as_str(), disk, size).ok());
        default.ok_or_else(|| Failure::invalid("name the SR of each disk: the pool has no default that you may use"))
    };
    for disk in new.disks.iter().flatten() {
        match (&disk.userdevice, disk.destroy) {
            (Some(position), true) => plan.unwanted.push(position),
            _ => {
                let size = disk.size.as_ref().ok_or_else(|| Failure::invalid("a disk of VDIs has no size"))?;
                let size = bytes(size, "size")?;
                let sr = match disk.sr.as_ref().or(disk.other_sr.as_ref()) {
                    Some(sr) => storage(sr, disk, Some(size))?,
                    None => default(plan.set.as_ref(), disk, Some(size))?,
                };
                plan.disks.push((sr, size, disk));
            }
        }
    }
    for (position, disk) in new.existing_disks.iter().flatten() {
        let sr = disk.other_sr.as_ref().or(disk.sr.as_ref()).filter(|sr| !sr.is_empty());
        let size = disk.size.as_ref().map(|size| bytes(size, "size")).transpose()?;
        let sr = sr.map(|sr| storage(sr, disk, size)).transpose()?;
        plan.existing.push((position, sr, size, disk));
    }
    if let Some(installation) = new.installation.as_ref().filter(|installation| installation.method == "cdrom") {
        let disc = object::permit_to(ctx, &installation.repository, &["VDI"], Action::View, "boot")?;
        same_pool(template, &disc)?;
        resource_set::may_leave(ctx, &disc)?;
        plan.disc = Some(disc);
    }
    if let Some((group, _)) = plan.graphics {
        same_pool(template, group)?;
    }
    if let Some(config) = new.cloud_config.as_deref().filter(|config| !config.is_empty()) {
        if new.core_os {
            return Err(Failure::NotImplemented.into());
        }
        // Whether it fits is known now; the one that is sent names the VM.
        config_drive::image("", config, new.network_config.as_deref())?;
        plan.config = Some(config);
    }
    Ok(plan)
}

impl Plan<'_> {
    /// Returns the objects that a resource set must have.
    pub(super) fn used<'b>(&'b self, template: &'b Target) -> Vec<&'b str> {
        let networks = self.cards.iter().map(|(network, _)| network);
        let srs = self.disks.iter().map(|(sr, ..)| sr);
        let others = self.existing.iter().filter_map(|(_, sr, ..)| sr.as_ref());
        let graphics = self.graphics.iter().map(|(group, _)| *group);
        let all = std::iter::once(template).chain(networks).chain(srs).chain(others).chain(graphics);
        all.map(|object| object.id().as_str()).collect()
    }

    /// Returns what the VM will use of a resource set, when these calls have changed its hardware.
    pub(super) fn amounts(&self, app: &App, template: &Target, calls: &[Call]) -> Amounts {
        let mut amounts = set::hardware(template, calls).and(&Amounts::from([("vms", 1)]));
        let snapshot = app.inventory.snapshot();
        for (position, disk) in resource_set::disks_of(&snapshot, template) {
            if !self.unwanted.contains(&position) {
                let wanted = self.existing.iter().find(|(at, ..)| *at == position).and_then(|(_, _, size, _)| *size);
                add(&mut amounts, disk.as_vdi().map_or(0, |vdi| vdi.size).max(wanted.unwrap_or_default()));
            }
        }
        self.disks.iter().for_each(|(_, size, _)| add(&mut amounts, *size));
        if self.config.is_some() {
            add(&mut amounts, config_drive::SIZE as i64);
        }
        amounts.and(&ip_pool::amounts(app, &self.given))
    }
}

fn add(amounts: &mut Amounts, size: i64) {
    amounts.add_disk(u64::try_from(size).unwrap_or_default());
}
