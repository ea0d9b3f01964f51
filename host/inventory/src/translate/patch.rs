//! Hotfixes of old releases.

use model::object::{Patch, PoolPatch};
use model::{Kind, Object, Refs, Text};

use super::{Draft, Links, head, id};
use crate::reader::Reader;
use crate::record::{Record, seconds};
use crate::slot::{Interest, List, Slot};
use crate::table::Table;

pub(crate) struct PatchLinks {
    host: Option<Slot>,
    pub(crate) pool_patch: Option<Slot>,
}

/// Of a hotfix: what its patches show too.
#[derive(Hash)]
pub(crate) struct PoolPatchLinks {
    pub(crate) host_patches: List,
    name: Text,
    description: Text,
    guidance: Box<[Text]>,
    size: i64,
    pool_applied: bool,
}

pub(super) fn decode_patch(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let patch = Patch {
        head: head(Kind::Patch, reader),
        applied: record.bool("applied"),
        time: record.opt_str("timestamp_applied").and_then(seconds),
        // The record has these fields too, but they are empty since hotfixes belong to pools.
        name: reader.text(record.str("name_label")),
        description: reader.text(record.str("name_description")),
        enforce_homogeneity: false,
        size: record.int("size"),
        guidance: Box::default(),
        host: None,
        pool_patch: None,
    };
    let links = PatchLinks {
        host: reader.watch(record.reference("host"), Interest::Id),
        pool_patch: reader.watch(record.reference("pool_patch"), Interest::Content),
    };
    Draft { object: Some(Object::from(patch)), links: Links::Patch(links) }
}

pub(super) fn resolve_patch(table: &Table, patch: &mut Patch, links: &PatchLinks) {
    patch.host = id(table, links.host);
    patch.pool_patch = id(table, links.pool_patch);
    let Some(Links::PoolPatch(of)) = table.links(links.pool_patch) else { return };
    patch.name = of.name.clone();
    patch.description = of.description.clone();
    patch.enforce_homogeneity = of.pool_applied;
    patch.size = of.size;
    patch.guidance = of.guidance.clone();
}

pub(super) fn decode_pool_patch(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let patch = PoolPatch {
        head: head(Kind::PoolPatch, reader),
        name: reader.text(record.str("name_label")),
        description: reader.text(record.str("name_description")),
        data_uuid: reader.text(record.str("uuid")),
        guidance: reader.texts(record.list("after_apply_guidance")),
        size: record.int("size"),
        host_patches: Refs::default(),
    };
    let links = PoolPatchLinks {
        host_patches: reader.list(record, "host_patches", Interest::Id),
        name: patch.name.clone(),
        description: patch.description.clone(),
        guidance: patch.guidance.clone(),
        size: patch.size,
        pool_applied: record.bool("pool_applied"),
    };
    Draft { object: Some(Object::from(patch)), links: Links::PoolPatch(Box::new(links)) }
}

pub(super) fn resolve_pool_patch(table: &Table, slot: Slot, patch: &mut PoolPatch, links: &PoolPatchLinks) {
    let is_patch_of = |links: &Links, of: Slot| matches!(links, Links::Patch(patch) if patch.pool_patch == Some(of));
    patch.host_patches = table.list(slot, links.host_patches, is_patch_of);
}
