//! The pool.

use model::object::{Cpus, Pool};
use model::{Kind, Object, Refs};

use super::{Draft, Links, head, id};
use crate::reader::Reader;
use crate::record::Record;
use crate::slot::{Interest, List, Slot};
use crate::table::Table;

pub(crate) struct PoolLinks {
    pub(crate) master: Option<Slot>,
    crash_dump_sr: Option<Slot>,
    suspend_sr: Option<Slot>,
    default_sr: Option<Slot>,
    statefiles: List,
    /// A pool without a name shows its master's.
    nameless: bool,
}

pub(super) fn decode(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let pool = Pool {
        head: head(Kind::Pool, reader),
        name_label: reader.text(record.str("name_label")),
        name_description: reader.text(record.str("name_description")),
        tags: reader.texts(record.list("tags")),
        auto_poweron: record.flag("other_config", "auto_poweron"),
        crash_dump_sr: None,
        suspend_sr: None,
        default_sr: None,
        current_operations: reader.map(record, "current_operations"),
        ha_enabled: record.bool("ha_enabled"),
        ha_reboot_vm_on_internal_shutdown: record.opt_bool("ha_reboot_vm_on_internal_shutdown").unwrap_or(true),
        ha_srs: Refs::default(),
        master: None,
        migration_compression: record.opt_bool("migration_compression"),
        other_config: reader.map(record, "other_config"),
        cpus: cpus(record),
        zstd_supported: record.entry("restrictions", "restrict_zstd_export") == Some("false"),
        vtpm_supported: record.entry("restrictions", "restrict_vtpm") == Some("false"),
        platform_version: None,
    };
    let links = PoolLinks {
        master: reader.watch(record.reference("master"), Interest::Content),
        crash_dump_sr: reader.watch(record.reference("crash_dump_SR"), Interest::Id),
        suspend_sr: reader.watch(record.reference("suspend_image_SR"), Interest::Id),
        default_sr: reader.watch(record.reference("default_SR"), Interest::Id),
        statefiles: reader.watch_all(record.list("ha_statefiles"), Interest::Content),
        nameless: record.str("name_label").is_empty(),
    };
    Draft { object: Some(Object::Pool(Box::new(pool))), links: Links::Pool(Box::new(links)) }
}

/// Returns the counts of `cpu_info`, of pools and hosts alike.
pub(super) fn cpus(record: Record<'_>) -> Cpus {
    Cpus { cores: record.number("cpu_info", "cpu_count"), sockets: record.number("cpu_info", "socket_count") }
}

pub(super) fn resolve(table: &Table, slot: Slot, pool: &mut Pool, links: &PoolLinks) {
    pool.master = id(table, links.master);
    pool.crash_dump_sr = id(table, links.crash_dump_sr);
    pool.suspend_sr = id(table, links.suspend_sr);
    pool.default_sr = id(table, links.default_sr);
    let srs = table.given(slot, links.statefiles).filter_map(|slot| match table.links(Some(slot)) {
        Some(Links::Vdi(vdi)) => id(table, vdi.sr),
        _ => None,
    });
    pool.ha_srs = srs.map(Some).collect();
    let master = table.master();
    pool.platform_version = master.and_then(|host| host.platform_version.clone());
    if links.nameless {
        pool.name_label = master.map_or_else(|| "".into(), |host| host.name_label.clone());
    }
}
