//! Hosts, with their certificates and updates.

use model::object::{Host, HostMemory, HostPower};
use model::{Kind, Object, ObjectId, Packed, Refs, Text};
use serde_json::{Value as Json, json};

use super::{Draft, Links, head, id, pool};
use crate::reader::Reader;
use crate::record::{Record, seconds, version_at_least};
use crate::slot::{Interest, List, Slot};
use crate::table::Table;

/// From this platform version on, packs are updates of the pool; before, they stand in `software_version`.
const UPDATES_SINCE: &[u32] = &[2, 1, 1];

const GIB: i64 = 1 << 30;

pub(crate) struct HostLinks {
    pub(crate) name_label: Text,
    pub(crate) platform_version: Option<Text>,
    pub(crate) resident_vms: List,
    pub(crate) pifs: List,
    pub(crate) pbds: List,
    metrics: Option<Slot>,
    control_domain: Option<Slot>,
    pcis: List,
    pgpus: List,
    patches: List,
    /// Missing before [`UPDATES_SINCE`].
    updates: List,
    certificates: List,
}

/// An update of the pool, shown as a supplemental pack of its hosts.
#[derive(Hash)]
pub(crate) struct Update {
    /// What needs no other record, ready to be completed.
    pack: Packed,
    hidden: bool,
    hosts: List,
    vdi: Option<Slot>,
}

pub(super) fn decode(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let platform_version = record.entry("software_version", "platform_version");
    let has_updates = platform_version.is_some_and(|version| version_at_least(version, UPDATES_SINCE));
    let packs = if has_updates { Packed::value(&json!([])) } else { packs_of_version(record) };
    let time = |name| record.entry("other_config", name).and_then(seconds);
    let host = Host {
        head: head(Kind::Host, reader),
        name_label: reader.text(record.str("name_label")),
        name_description: reader.text(record.str("name_description")),
        tags: reader.texts(record.list("tags")),
        cpu_info: reader.map(record, "cpu_info"),
        cpus: pool::cpus(record),
        address: reader.text(record.str("address")),
        hostname: reader.text(record.str("hostname")),
        bios_strings: reader.map(record, "bios_strings"),
        license_params: reader.map(record, "license_params"),
        license_server: reader.map(record, "license_server"),
        logging: reader.map(record, "logging"),
        build: reader.opt_text(record.entry("software_version", "build_number")),
        version: reader.opt_text(record.entry("software_version", "product_version")),
        product_brand: reader.opt_text(record.entry("software_version", "product_brand")),
        iommu: record.entry("chipset_info", "iommu").map(|iommu| iommu == "true"),
        enabled: record.bool("enabled"),
        control_domain: None,
        current_operations: reader.map(record, "current_operations"),
        iscsi_iqn: reader.text(iscsi_iqn(record)),
        zstd_supported: record.entry("license_params", "restrict_zstd_export") == Some("false"),
        license_expiry: record.entry("license_params", "expiry").and_then(seconds),
        memory: HostMemory::default(),
        multipathing: record.flag("other_config", "multipathing"),
        other_config: reader.map(record, "other_config"),
        patches: Refs::default(),
        supplemental_packs: reader.share(packs),
        power_on_mode: reader.text(record.str("power_on_mode")),
        power_state: HostPower::Unknown,
        resident_vms: Refs::default(),
        start_time: time("boot_time"),
        agent_start_time: time("agent_start_time"),
        reboot_required: reboot_required(record),
        hvm_capable: record.list("capabilities").any(|capability| capability.starts_with("hvm")),
        certificates: None,
        pifs: Refs::default(),
        pcis: Refs::default(),
        pgpus: Refs::default(),
        pbds: Refs::default(),
    };
    let links = HostLinks {
        name_label: host.name_label.clone(),
        platform_version: reader.opt_text(platform_version),
        resident_vms: reader.list(record, "resident_VMs", Interest::Id),
        pifs: reader.list(record, "PIFs", Interest::Id),
        pbds: reader.list(record, "PBDs", Interest::Id),
        metrics: reader.watch(record.reference("metrics"), Interest::Content),
        control_domain: reader.watch(record.reference("control_domain"), Interest::Id),
        pcis: reader.watch_all(record.list("PCIs"), Interest::Id),
        pgpus: reader.watch_all(record.list("PGPUs"), Interest::Id),
        patches: reader.watch_all(record.list("patches"), Interest::Id),
        updates: match has_updates {
            true => reader.watch_all(record.list("updates"), Interest::Content),
            false => List::MISSING,
        },
        certificates: reader.list(record, "certificates", Interest::Content),
    };
    Draft { object: Some(Object::Host(Box::new(host))), links: Links::Host(Box::new(links)) }
}

fn iscsi_iqn<'a>(record: Record<'a>) -> &'a str {
    // The field exists since 7.4; before, and for hosts that were upgraded, the setting lies in other_config.
    let own = record.opt_str("iscsi_iqn").filter(|iqn| !iqn.is_empty());
    own.or_else(|| record.entry("other_config", "iscsi_iqn")).unwrap_or_default()
}

fn reboot_required(record: Record<'_>) -> bool {
    if record.entry("software_version", "product_brand") == Some("XCP-ng") {
        let time = |name| record.entry("other_config", name).and_then(seconds);
        return matches!((time("boot_time"), time("rpm_patch_installation_time")), (Some(boot), Some(patch)) if boot < patch);
    }
    record.list("updates_requiring_reboot").next().is_some()
}

/// Returns the packs that old releases name in their version: `xs:main` = `Base Pack, version 5.6.100, build 39265c`.
fn packs_of_version(record: Record<'_>) -> Packed {
    let packs = record.pairs("software_version").filter_map(|(key, value)| {
        let (author, name) = key.split_once(':')?;
        let (description, rest) = value.split_once(", ")?;
        let version = rest.strip_prefix("version ")?.split(", ").next()?;
        Some(json!({"name": name, "description": description, "author": author, "version": version}))
    });
    let mut packs: Vec<Json> = packs.collect();
    packs.sort_by_key(|pack| pack["name"].to_string());
    Packed::value(&Json::Array(packs))
}

impl Update {
    /// Returns the ids that a pack shows.
    pub(crate) fn ids(&self, table: &Table, slot: Slot) -> Vec<Option<ObjectId>> {
        table.given(slot, self.hosts).chain(self.vdi).map(|slot| table.id(slot)).collect()
    }
}

pub(super) fn decode_update(record: Record<'_>, reader: &mut Reader<'_>) -> Update {
    let name = record.str("name_label");
    let guidance: Vec<&str> = record.list("after_apply_guidance").collect();
    let pack = json!({
        "name": name,
        "description": record.str("name_description"),
        // The key reads like "update-XS71-8.0-author-..."; upstream takes the fourth word.
        "author": record.str("key").split('-').nth(3),
        "version": record.str("version"),
        "guidance": guidance,
        "size": record.int("installation_size"),
    });
    Update {
        pack: Packed::value(&pack),
        // The vendor's own patches are no packs.
        hidden: name.starts_with("XS"),
        hosts: reader.watch_all(record.list("hosts"), Interest::Id),
        vdi: reader.watch(record.reference("vdi"), Interest::Id),
    }
}

pub(super) fn certificate(record: Record<'_>) -> Packed {
    Packed::value(&json!({
        "fingerprint": record.str("fingerprint"),
        "notAfter": record.opt_str("not_after").and_then(seconds),
    }))
}

pub(super) fn resolve(table: &Table, slot: Slot, host: &mut Host, links: &HostLinks) {
    let metrics = match table.links(links.metrics) {
        Some(Links::HostMetrics(metrics)) => Some(metrics),
        _ => None,
    };
    host.memory = match metrics {
        Some(metrics) => {
            let size = (metrics.total + GIB - 1) / GIB * GIB;
            HostMemory { usage: if metrics.live { size - metrics.free } else { 0 }, size, total: None }
        }
        None => HostMemory { usage: 0, size: 0, total: Some(0) },
    };
    host.power_state = match metrics {
        Some(metrics) if metrics.live => HostPower::Running,
        Some(_) => HostPower::Halted,
        None => HostPower::Unknown,
    };
    host.control_domain = id(table, links.control_domain);
    host.resident_vms = table.list(
        slot,
        links.resident_vms,
        |links, host| matches!(links, Links::Vm(vm) if vm.resident_on == Some(host)),
    );
    host.pifs = table.list(slot, links.pifs, |links, host| matches!(links, Links::Pif(pif) if pif.host == Some(host)));
    host.pbds = table.list(slot, links.pbds, |links, host| matches!(links, Links::Pbd(pbd) if pbd.host == Some(host)));
    host.pcis = table.known(slot, links.pcis);
    host.pgpus = table.known(slot, links.pgpus);
    host.patches = table.known(slot, links.patches);
    if !links.updates.is_missing() {
        let packs = table.given(slot, links.updates).filter_map(|slot| match table.links(Some(slot)) {
            Some(Links::Update(update)) if !update.hidden => Some(complete_pack(table, slot, update)),
            _ => None,
        });
        host.supplemental_packs = Packed::value(&Json::Array(packs.collect()));
    }
    host.certificates = (!links.certificates.is_missing()).then(|| {
        let known = table.given(slot, links.certificates).filter_map(|slot| match table.links(Some(slot)) {
            Some(Links::Certificate(certificate)) => Some(certificate.to_value()),
            _ => None,
        });
        Packed::value(&Json::Array(known.collect()))
    });
}

fn complete_pack(table: &Table, slot: Slot, update: &Update) -> Json {
    let mut pack = update.pack.to_value();
    pack["hosts"] = json!(table.known(slot, update.hosts));
    if let Some(vdi) = id(table, update.vdi) {
        pack["vdi"] = json!(vdi);
    }
    pack
}
