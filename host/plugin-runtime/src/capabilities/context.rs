//! `context`: who and what a call is for. The truth stays here: nothing a plugin passes changes it.

use std::sync::atomic::Ordering;

use model::Permission;

use crate::bindings::xylem::plugin::context;
use crate::ctx::{Ctx, Fault, Phase, gate};
use crate::grants::{Decision, Right};

impl Ctx {
    /// Turns a refusal of a function that cannot fail into a trap: only our own defect gets here.
    pub(crate) fn infallible<T>(outcome: Result<T, Fault>) -> wasmtime::Result<T> {
        outcome.map_err(|fault| match fault {
            Fault::Trap(trap) => trap,
            Fault::Error(error) => wasmtime::Error::msg(format!("{}: {}", error.code, error.message)),
        })
    }

    async fn call_in_progress(&mut self) -> Result<context::Call, Fault> {
        gate!(self, "context", "current", None, |pass| {
            let spec = &self.call.spec;
            let caller = spec.principal.as_ref().map(|principal| context::Principal {
                id: principal.id.to_string(),
                name: principal.name.clone(),
                is_admin: principal.permission == Permission::Admin,
                groups: vec![],
            });
            Ok(context::Call {
                id: self.call.id.clone(),
                instance: spec.instance.to_string(),
                authority: if caller.is_some() { context::Authority::Caller } else { context::Authority::Plugin },
                caller,
                client_address: spec.client_address.clone(),
                deadline: self.call.deadline_at,
                locale: spec.locale.clone(),
                traceparent: None,
            })
        })
    }
}

impl context::Host for Ctx {
    async fn current(&mut self) -> wasmtime::Result<context::Call> {
        let outcome = self.call_in_progress().await;
        Self::infallible(outcome)
    }

    async fn is_cancelled(&mut self) -> wasmtime::Result<bool> {
        self.call.watch.count_host_call();
        Ok(self.call.is_cancelled())
    }

    async fn allowed(&mut self, grant: String) -> wasmtime::Result<bool> {
        self.call.watch.count_host_call();
        let Ok(right) = Right::parse(&grant) else { return Ok(false) };
        Ok(matches!(self.call.grants().decide(&right), Decision::Granted(..)))
    }

    async fn reactivate(&mut self) -> wasmtime::Result<()> {
        self.call.watch.count_host_call();
        if self.call.phase == Phase::Normal {
            self.call.watch.reactivate.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
