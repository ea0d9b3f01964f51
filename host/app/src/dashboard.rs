//! Dashboards: sums over what the caller sees. What there is no source for yet (patches, backups) says that it is empty.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::VisibilityClass;
use inventory::Snapshot;
use model::object::{HostPower, PowerState};
use model::{Kind, Object, ObjectId};
use serde_json::{Map, Value, json};

use crate::alarm;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::{object, server};

/// Objects shown of those that use most.
const TOP: usize = 5;

/// What a caller sees of one state of the picture, in one pool or in all.
struct Sight {
    at: Snapshot,
    class: VisibilityClass,
    pool: Option<ObjectId>,
}

impl Sight {
    fn of(ctx: &Ctx, pool: Option<ObjectId>) -> Self {
        Self { at: ctx.app.inventory.snapshot(), class: access::visibility(&ctx.caller), pool }
    }

    fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        let found: Box<dyn Iterator<Item = &Arc<Object>>> = match &self.pool {
            None => Box::new(self.at.of_kind(kind)),
            Some(pool) => Box::new(self.at.in_pool_of_kind(pool, kind)),
        };
        found.filter(|object| self.class.sees(&self.at, &***object))
    }

    fn hosts_status(&self) -> Value {
        let words = self.all(Kind::Host).filter_map(|object| object.as_host()).map(|host| match host.power_state {
            HostPower::Running if host.enabled => "running",
            HostPower::Running => "disabled",
            HostPower::Halted => "halted",
            HostPower::Unknown => "unknown",
        });
        counts(["running", "halted", "disabled", "unknown"], words)
    }

    fn vms_status(&self) -> Value {
        let words = self.all(Kind::Vm).filter_map(|object| object.as_vm()).map(|vm| match &vm.power_state {
            PowerState::Running => "running",
            PowerState::Halted => "halted",
            PowerState::Paused => "paused",
            PowerState::Suspended => "suspended",
            _ => "unknown",
        });
        let mut status = counts(["running", "halted", "paused", "suspended", "unknown"], words);
        let sum = |one: &str, other: &str| status[one].as_u64().unwrap_or(0) + status[other].as_u64().unwrap_or(0);
        let (active, inactive) = (sum("running", "paused"), sum("halted", "suspended"));
        (status["active"], status["inactive"]) = (json!(active), json!(inactive));
        status
    }

    /// Sizes of storage repositories in bytes; those of CD images do not count.
    fn storage(&self) -> Value {
        let repositories = self.all(Kind::Sr).filter_map(|object| object.as_sr());
        let (mut total, mut used) = (0, 0);
        for sr in repositories.filter(|sr| &*sr.content_type != "iso") {
            total += sr.size.max(0);
            used += sr.physical_usage.max(0);
        }
        let size = json!({
            "available": (total - used).max(0), "other": used, "replicated": 0, "total": total, "used": used,
        });
        json!({ "size": size })
    }

    /// Returns the objects of a kind that use the largest share, as `(name, id, used, size)` says.
    fn top<'a>(
        &'a self,
        kind: Kind,
        usage: impl Fn(&'a Object) -> Option<(i64, i64)>,
        names: (&str, &str),
    ) -> Vec<Value> {
        let mut all: Vec<_> = self
            .all(kind)
            .filter_map(|object| {
                let (used, size) = usage(object).filter(|(_, size)| *size > 0)?;
                Some((used as f64 / size as f64 * 100.0, object, used, size))
            })
            .collect();
        all.sort_by(|one, other| other.0.total_cmp(&one.0));
        let shown = all.into_iter().take(TOP).map(|(percent, object, used, size)| {
            json!({
                "id": object.id(), "name_label": object.name_label(), "percent": percent, names.0: used, names.1: size,
            })
        });
        shown.collect()
    }

    fn alarms(&self, about: impl Fn(&Object) -> bool) -> Vec<Value> {
        let alarms = self.all(Kind::Message).filter(|object| alarm::is_alarm(object) && about(object));
        alarms.map(|object| json!(object.id())).collect()
    }
}

fn counts<const N: usize>(words: [&str; N], found: impl Iterator<Item = &'static str>) -> Value {
    let mut counts: BTreeMap<&str, u64> = words.into_iter().map(|word| (word, 0)).collect();
    let mut total = 0;
    for word in found {
        *counts.entry(word).or_default() += 1;
        total += 1;
    }
    counts.insert("total", total);
    json!(counts)
}

/// Returns the parts of the dashboard of everything; for administrators.
pub fn all(ctx: &Ctx) -> Result<Map<String, Value>> {
    let servers = server::get_all(ctx)?;
    let sight = Sight::of(ctx, None);
    let words = servers.iter().map(|server| match (server["enabled"].as_bool(), server["status"].as_str()) {
        (_, Some("connected")) => "connected",
        (Some(true), _) => "unreachable",
        (Some(false), _) => "disconnected",
        _ => "unknown",
    });
    let (mut cpus, mut memory) = (0, 0);
    for host in sight.all(Kind::Host).filter_map(|object| object.as_host()) {
        cpus += host.cpus.cores.unwrap_or_default();
        memory += host.memory.size;
    }
    let storage = sight.storage();
    let parts = json!({
        "nPools": sight.all(Kind::Pool).count(),
        "nHosts": sight.all(Kind::Host).count(),
        "hostsStatus": sight.hosts_status(),
        "vmsStatus": sight.vms_status(),
        "poolsStatus": counts(["connected", "disconnected", "unreachable", "unknown"], words),
        "missingPatches": { "hasAuthorization": false },
        "backupRepositories": { "isEmpty": true },
        "resourcesOverview": { "nCpus": cpus, "memorySize": memory, "srSize": storage["size"]["total"] },
        "storageRepositories": storage,
        "backups": { "isEmpty": true },
    });
    Ok(members(parts))
}

/// Returns the parts of the dashboard of a pool.
pub fn pool(ctx: &Ctx, id: &str) -> Result<Map<String, Value>> {
    let pool = object::get(ctx, id, &["pool"])?;
    let sight = Sight::of(ctx, Some(pool.id().clone()));
    let total: i64 = sight.all(Kind::Host).filter_map(|object| object.as_host()?.cpus.cores).sum();
    let running = sight.all(Kind::Vm).filter_map(|object| object.as_vm()).filter(|vm| vm.power_state.is_running());
    let assigned: i64 = running.map(|vm| vm.cpus.number).sum();
    let percent = if total > 0 { assigned as f64 / total as f64 * 100.0 } else { 0.0 };
    let memory = |object: &Object| object.as_host().map(|host| (host.memory.usage, host.memory.size));
    let storage = |object: &Object| {
        let sr = object.as_sr().filter(|sr| &*sr.content_type != "iso")?;
        Some((sr.physical_usage, sr.size))
    };
    let parts = json!({
        "hosts": {
            "status": sight.hosts_status(),
            "topFiveUsage": { "ram": sight.top(Kind::Host, memory, ("usage", "size")) },
        },
        "vms": { "status": sight.vms_status() },
        "srs": { "topFiveUsage": sight.top(Kind::Sr, storage, ("physical_usage", "size")) },
        "alarms": sight.alarms(|_| true),
        "cpuProvisioning": { "assigned": assigned, "total": total, "percent": percent },
    });
    Ok(members(parts))
}

/// Returns the parts of the dashboard of a VM.
pub fn vm(ctx: &Ctx, id: &str) -> Result<Map<String, Value>> {
    let vm = object::get(ctx, id, &["VM"])?;
    let sight = Sight::of(ctx, Some(vm.pool().clone()));
    let mut info = Map::new();
    for name in [
        "id",
        "name_label",
        "name_description",
        "power_state",
        "uuid",
        "$pool",
        "creation",
        "mainIpAddress",
        "tags",
        "startTime",
        "virtualizationMode",
        "xenTools",
        "os_version",
    ] {
        info.extend(vm.field(name).map(|value| (name.to_owned(), value)));
    }
    info.insert("CPUs".to_owned(), json!({ "number": vm.as_vm().map(|vm| vm.cpus.number) }));
    info.insert("memory".to_owned(), json!({ "size": vm.as_vm().map(|vm| vm.memory.size) }));
    let host = vm.container().filter(|container| *container != vm.pool());
    info.extend(host.map(|host| ("host".to_owned(), json!(host))));
    let parts = json!({
        "quickInfo": info,
        "alarms": sight.alarms(|alarm| alarm.as_message().is_some_and(|message| message.object.as_str() == vm.uuid())),
        "backupsInfo": { "lastRuns": [], "vmProtection": "not-in-active-job", "replication": {}, "backupArchives": [] },
    });
    Ok(members(parts))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_and_those_that_are_missing_are_zero() {
        let found = ["running", "running", "halted"].into_iter();
        let wanted = json!({ "running": 2, "halted": 1, "unknown": 0, "total": 3 });
        assert_eq!(counts(["running", "halted", "unknown"], found), wanted);
    }
}
