//! Jobs and their schedules, to be read. Backups bring what makes and runs them; the records are kept as they will be.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::Table;
use wire::Failure;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::fine;

/// Jobs or schedules listed at once.
const LISTED: usize = 10_000;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Calls a method of the API.
    Call,
    /// Saves VMs.
    Backup,
    /// Saves pools and the daemon itself.
    MetadataBackup,
    /// Copies what was saved.
    MirrorBackup,
}

/// A job as it is stored and shown: `job/<id>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it does.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The account in whose name it runs.
    pub user_id: String,
    /// What jobs of its kind have beside that: `key`, `method`, `timeout` in milliseconds and `paramsVector` of a call.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// When a job runs, as it is stored and shown: `schedule/<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Its id.
    pub id: String,
    /// Minute, hour, day of the month, month from 0 to 11, day of the week.
    pub cron: String,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// The job.
    pub job_id: String,
    /// Its name.
    pub name: String,
    /// Name of the time zone; none = UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The account that made it.
    pub user_id: String,
}

fn all<T: serde::de::DeserializeOwned>(ctx: &Ctx, prefix: &str) -> Result<Vec<T>> {
    let found = ctx.app.store.scan(Table::Jobs, prefix, None, LISTED)?;
    Ok(found.into_iter().map(|(_, stored)| stored.value).collect())
}

fn one<T: serde::de::DeserializeOwned>(ctx: &Ctx, kind: &str, id: &str) -> Result<T> {
    let found = ctx.app.store.get(Table::Jobs, &format!("{kind}/{id}"))?;
    Ok(found.ok_or_else(|| Failure::no_such(id, kind))?.value)
}

/// Lists the jobs that call methods.
pub fn get_all(ctx: &Ctx) -> Result<Vec<Job>> {
    let _admin = access::admin(&ctx.caller)?;
    let mut jobs: Vec<Job> = all(ctx, "job/")?;
    jobs.retain(|job| job.kind == Kind::Call);
    Ok(jobs)
}

/// Returns a job that calls a method.
pub fn get(ctx: &Ctx, id: &str) -> Result<Job> {
    let _admin = access::admin(&ctx.caller)?;
    let job: Job = one(ctx, "job", id)?;
    if job.kind == Kind::Call { Ok(job) } else { Err(Failure::no_such(id, "job").into()) }
}

/// Lists the schedules that the caller may read; all for administrators.
pub fn schedules(ctx: &Ctx) -> Result<Vec<Schedule>> {
    let _signed_in = access::signed_in(&ctx.caller)?;
    let mut schedules: Vec<Schedule> = all(ctx, "schedule/")?;
    schedules.retain(|schedule| fine::allows(ctx, "schedule", "read", &json!(schedule)));
    Ok(schedules)
}

/// Returns a schedule.
pub fn schedule(ctx: &Ctx, id: &str) -> Result<Schedule> {
    let _admin = access::admin(&ctx.caller)?;
    one(ctx, "schedule", id)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Caller, Permission, Principal, Privilege, Rights};
    use store::Expect;

    use super::*;
    use crate::testing::Rig;

    #[tokio::test]
    async fn what_is_stored_is_shown() {
        let rig = Rig::new();
        let job = json!({
            "id": "j1", "type": "call", "name": "nightly", "userId": "u", "key": "genericTask", "method": "vm.start",
            "paramsVector": { "type": "crossProduct", "items": [] }, "timeout": 60_000,
        });
        let schedule = json!({
            "id": "s1", "cron": "0 3 * 0 wen", "enabled": true, "jobId": "j1", "name": "at three",
            "timezone": "Europe/Paris", "userId": "u",
        });
        let mut backup = json!({ "id": "j2", "type": "metadataBackup", "userId": "u", "xoMetadata": true });
        for (key, record) in [("job/j1", &job), ("job/j2", &backup), ("schedule/s1", &schedule)] {
            rig.app.store.put(Table::Jobs, key, record, Expect::Absent).await.unwrap();
        }
        let admin = rig.admin();
        assert_eq!(json!(get_all(&admin).unwrap()), json!([job]));
        assert_eq!(json!(get(&admin, "j1").unwrap()), job);
        assert_eq!(json!(schedules(&admin).unwrap()), json!([schedule]));
        assert_eq!(json!(super::schedule(&admin, "s1").unwrap()), schedule);
        // Backups have methods of their own.
        for id in ["j2", "s1", "nothing"] {
            assert_eq!(get(&admin, id).unwrap_err().failure.code(), 1, "{id}");
        }
        assert_eq!(super::schedule(&admin, "j1").unwrap_err().failure.code(), 1);
        backup["name"] = json!("all");
        let typed: Job = serde_json::from_value(backup.clone()).unwrap();
        assert_eq!((typed.kind, json!(typed)), (Kind::MetadataBackup, backup));

        // Others see the schedules that a role lets them read.
        let alice = rig.user("alice");
        assert!(get_all(&alice).is_err() && get(&alice, "j1").is_err() && super::schedule(&alice, "s1").is_err());
        assert_eq!(schedules(&alice).unwrap(), []);
        let read = Privilege { resource: "schedule".into(), action: "read".into(), allows: true, selector: None };
        let principal = Principal {
            id: "bob".into(),
            name: "bob".into(),
            permission: Permission::None,
            rights: Arc::new(Rights::default().with(vec![read])),
        };
        let bob = Ctx { caller: Caller::User(Arc::new(principal)), ..rig.admin() };
        assert_eq!(json!(schedules(&bob).unwrap()), json!([schedule]));
        assert!(super::schedule(&bob, "s1").is_err());
    }
}
