//! A call without a plugin, for tests of host functions; services and directory are those of the integration tests.

use std::sync::Arc;
use std::time::Duration;

use model::{InstanceId, SystemClock};
use serde_json::json;
use tokio::time::Instant;

use crate::ctx::{CallInfo, CallParts, Ctx, Phase, Usage};
use crate::supervisor::Watch;
use crate::{Grant, Spec};

#[path = "../tests/it/directory.rs"]
pub(crate) mod directory;
#[path = "../tests/it/recorder.rs"]
pub(crate) mod recorder;

/// Returns a call under these grants, and who recorded it.
pub(crate) fn ctx(grants: Vec<Grant>, phase: Phase) -> (Ctx, Arc<recorder::Recorder>, Arc<Watch>) {
    let spec = Spec { grants: Arc::new(grants), ..Spec::new(InstanceId::from("ldap-1"), json!({})) };
    let (services, watch) = (Arc::new(recorder::Recorder::default()), Arc::new(Watch::default()));
    let wall = Duration::from_secs(30);
    let info = CallInfo::new(CallParts {
        spec,
        phase,
        wall,
        deadline: Instant::now() + wall,
        services: services.clone(),
        clock: Arc::new(SystemClock),
        watch: watch.clone(),
        typed: None,
    });
    (Ctx::new(Arc::new(info), Arc::new(Usage::default())), services, watch)
}
