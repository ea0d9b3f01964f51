//! The machine under a host: it goes down after the answer was given, and comes back.

use serde_json::json;

use super::{
    allowed,
    host::{guests, operate, set_enabled},
};
use crate::{
    calls::vm,
    clock,
    core::{Core, Ctx, Power},
    db::Db,
    failure::Failure,
};

/// `host.reboot`, `host.shutdown`: VMs that are still there are shut down on the way; the answer comes before the end.
pub async fn take_down(ctx: &Ctx, host: &str, operation: &str) -> Result<(), Failure> {
    let effect = |db: &mut Db| {
        for guest in guests(db, host) {
            vm::shut_down(db, &guest);
            allowed::settle(db, "VM", &guest);
        }
        Ok(())
    };
    operate(ctx, host, operation, effect).await?;
    // From here on it says `shutdown`, until it is down.
    ctx.core.write(|db| {
        db.set_entry("host", host, "current_operations", &ctx.task, Some("shutdown"));
        allowed::refresh(db, "host", host);
    });
    let boot = (operation == "reboot").then_some(ctx.core.options.delays.boot);
    let (core, host) = (ctx.core.clone(), host.to_owned());
    ctx.core.spawn(async move {
        tokio::time::sleep(core.options.delays.power_off).await;
        core.write(|db| down(db, &host));
        switch(&core, Power { host, off: true, boot });
    });
    Ok(())
}

/// `host.power_on`: by whatever the host's power_on_mode names.
pub async fn power_on(ctx: &Ctx, host: &str) -> Result<(), Failure> {
    operate(ctx, host, "power_on", |_| Ok(())).await?;
    switch(&ctx.core, Power { host: host.to_owned(), off: false, boot: Some(ctx.core.options.delays.boot) });
    Ok(())
}

fn switch(core: &Core, power: Power) {
    if let Some(switch) = core.power.get() {
        switch(power);
    }
}

fn down(db: &mut Db, host: &str) {
    let metrics = db.text("host", host, "metrics").to_owned();
    db.set("host_metrics", &metrics, "live", false);
    db.set("host", host, "current_operations", json!({}));
    allowed::refresh(db, "host", host);
}

/// The machine is there again.
pub fn up(core: &Core, host: &str) {
    let enabled = !core.stay_disabled.lock().contains(host);
    // Seconds since 1970 with the full stop that XAPI writes behind them.
    let now = format!("{}.", clock::seconds());
    core.write(|db| {
        let metrics = db.text("host", host, "metrics").to_owned();
        db.update("host_metrics", &metrics, [("live", json!(true)), ("last_updated", json!(clock::now()))]);
        for key in ["boot_time", "agent_start_time"] {
            db.set_entry("host", host, "other_config", key, Some(&now));
        }
        let mut left = db.list("host", host, "pending_guidances");
        left.retain(|guidance| !guidance.starts_with("reboot_host") && guidance != "restart_toolstack");
        db.set("host", host, "pending_guidances", json!(left));
        set_enabled(db, host, enabled);
    });
}
