//! What the guest's tools report: gone at the next start, back some time after it.

use serde_json::json;

use crate::{calls::objects::allowed, clock, core::Ctx, db::Db, model::NULL};

/// Before a start: the old report goes, and is remembered as what this guest's tools will say again.
pub fn forget_report(ctx: &Ctx, db: &mut Db, vm: &str) {
    let old = db.text("VM", vm, "guest_metrics").to_owned();
    if let Some(report) = db.get("VM_guest_metrics", &old) {
        let uuid = db.text("VM", vm, "uuid").to_owned();
        ctx.core.tools.lock().insert(uuid, (**report).clone());
    }
    db.remove("VM_guest_metrics", &old);
    db.set("VM", vm, "guest_metrics", NULL);
}

/// After a start the guest tools, if the VM has any, report again.
pub fn report_later(ctx: &Ctx, vm: &str) {
    let (uuid, domid) = ctx.core.read(|db| (db.text("VM", vm, "uuid").to_owned(), db.int("VM", vm, "domid")));
    let Some(mut report) = ctx.core.tools.lock().get(&uuid).cloned() else { return };
    report.remove("uuid");
    let (core, vm) = (ctx.core.clone(), vm.to_owned());
    ctx.core.spawn(async move {
        tokio::time::sleep(core.options.delays.guest_tools).await;
        core.write(|db| {
            let same = db.int("VM", &vm, "domid") == domid && db.text("VM", &vm, "guest_metrics") == NULL;
            if same && db.get("VM", &vm).is_some() {
                report.insert("last_updated", json!(clock::now()));
                let metrics = db.insert("VM_guest_metrics", report);
                db.set("VM", &vm, "guest_metrics", metrics);
                allowed::settle(db, "VM", &vm);
            }
        });
    });
}
