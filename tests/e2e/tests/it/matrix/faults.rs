//! The faults of the matrix, as data: what begins each, how long it lasts, what ends it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::FutureExt;
use futures::future::BoxFuture;
use rig::Client;
use serde_json::{Value, json};
use xapi_sim::{Member, Sim};

/// How many calls a fault spoils that spoils all: more than there will be before it is taken back.
const ALL: u32 = 1_000_000;

/// A month, in seconds: further than anything that is kept by a host's clock.
const MONTH: i64 = 30 * 86_400;

/// How long a fault lasts.
#[derive(Clone, Copy, Debug)]
pub enum Lasts {
    /// It is over as soon as it has begun.
    Moment,
    /// Until this method was called so many times more.
    Calls(&'static str, u64),
    /// Until the daemon says that the pool is lost.
    Noticed,
    /// Until the daemon says that it will not have this certificate.
    Refused,
}

/// Where a fault happens.
pub struct Scene<'a> {
    pub sim: &'a Sim,
    /// An administrator who sees the servers.
    pub admin: &'a Client,
}

type Act = for<'a> fn(&'a Scene<'a>) -> BoxFuture<'a, Result<()>>;

/// A fault.
pub struct Fault {
    pub name: &'static str,
    pub lasts: Lasts,
    pub begin: Act,
    pub end: Act,
}

impl Scene<'_> {
    /// Returns what the daemon says of the server.
    fn server(&self) -> Result<Value> {
        self.admin.view().server(&self.sim.host()).cloned().context("the server")
    }

    /// Returns the member that the daemon has as its entry.
    fn entry(&self) -> Result<Member> {
        self.sim.members().into_iter().next().context("the entry")
    }

    /// Returns a member that is not the master.
    fn other(&self) -> Result<Member> {
        self.sim.members().into_iter().find(|member| !member.master).context("another member")
    }

    /// Takes everything back that faults leave behind. The entry is the master again.
    pub async fn tidy(&self) -> Result<()> {
        self.sim.clear_faults();
        self.sim.random_session_invalid(0.0);
        self.sim.skew_clock(0);
        for member in self.sim.members() {
            self.sim.revive_member(&member.host).await?;
        }
        let entry = self.entry()?;
        if entry.master { Ok(()) } else { self.sim.designate_master(&entry.host) }
    }
}

/// Makes an act of what is done to the simulator alone.
macro_rules! act {
    ($sim:ident, $($work:tt)*) => {
        |scene| {
            async move {
                let $sim = scene.sim;
                $($work)*
                Ok(())
            }
            .boxed()
        }
    };
}

fn nothing<'a>(_: &'a Scene<'a>) -> BoxFuture<'a, Result<()>> {
    async { Ok(()) }.boxed()
}

/// The master has another certificate: it is refused, both are told, and an administrator says that the new one is right.
fn another_certificate<'a>(scene: &'a Scene<'a>) -> BoxFuture<'a, Result<()>> {
    async {
        scene.sim.swap_certificate().context("it speaks TLS")?;
        scene.sim.drop_connections();
        Ok(())
    }
    .boxed()
}

fn confirmed<'a>(scene: &'a Scene<'a>) -> BoxFuture<'a, Result<()>> {
    async {
        let plain = |print: &Value| print.as_str().unwrap_or_default().replace(':', "").to_lowercase();
        let (server, now) = (scene.server()?, json!(scene.sim.fingerprint()));
        let error = &server["error"];
        ensure!(plain(&error["fingerprint"]) == plain(&now), "{server}");
        ensure!(plain(&error["expectedFingerprint"]) == plain(&server["fingerprint"]), "{server}");
        scene.admin.call("server.set", json!({ "id": server["id"], "fingerprint": now })).await?;
        Ok(())
    }
    .boxed()
}

pub const FAULTS: &[Fault] = &[
    Fault { name: "hang", lasts: Lasts::Noticed, begin: act!(sim, sim.hang("*");), end: act!(sim, sim.release("*");) },
    Fault {
        name: "slow",
        lasts: Lasts::Calls("event.from", 3),
        begin: act!(sim, sim.slow("*", Duration::from_millis(400));),
        end: act!(sim, sim.slow("*", Duration::ZERO);),
    },
    Fault { name: "drop", lasts: Lasts::Moment, begin: act!(sim, sim.drop_connections();), end: nothing },
    Fault {
        name: "nobody listens",
        lasts: Lasts::Noticed,
        begin: act!(sim, sim.pause_listening().await; sim.drop_connections();),
        end: act!(sim, sim.resume_listening().await;),
    },
    Fault {
        name: "status 500",
        lasts: Lasts::Noticed,
        begin: act!(sim, sim.http_error("*", 500, ALL);),
        end: act!(sim, sim.clear_faults();),
    },
    Fault {
        name: "half answers",
        lasts: Lasts::Noticed,
        begin: act!(sim, sim.half_answer("*", ALL);),
        end: act!(sim, sim.clear_faults();),
    },
    Fault {
        name: "sent elsewhere",
        lasts: Lasts::Noticed,
        begin: act!(sim, sim.redirect("*", "https://127.0.0.1:1/", ALL);),
        end: act!(sim, sim.clear_faults();),
    },
    Fault {
        name: "too many tasks",
        lasts: Lasts::Noticed,
        begin: act!(sim, sim.fail_times(ALL, "event.from", "TOO_MANY_PENDING_TASKS", &[]);),
        end: act!(sim, sim.clear_faults();),
    },
    Fault {
        name: "another master",
        lasts: Lasts::Moment,
        begin: |scene| async { scene.sim.designate_master(&scene.other()?.host) }.boxed(),
        end: nothing,
    },
    Fault {
        name: "fail-over",
        lasts: Lasts::Moment,
        begin: |scene| async { scene.sim.fail_over(&scene.other()?.host).await }.boxed(),
        end: nothing,
    },
    Fault { name: "lost events", lasts: Lasts::Moment, begin: act!(sim, sim.lose_events();), end: nothing },
    Fault { name: "dead sessions", lasts: Lasts::Moment, begin: act!(sim, sim.kill_sessions();), end: nothing },
    Fault {
        name: "sessions die at random",
        lasts: Lasts::Calls("session.login_with_password", 3),
        begin: act!(sim, sim.random_session_invalid(0.4);),
        end: act!(sim, sim.random_session_invalid(0.0);),
    },
    Fault { name: "certificate", lasts: Lasts::Refused, begin: another_certificate, end: confirmed },
    Fault {
        name: "clocks ahead",
        lasts: Lasts::Calls("session.login_with_password", 1),
        begin: act!(sim, sim.skew_clock(MONTH); sim.restart();),
        end: act!(sim, sim.skew_clock(0);),
    },
    Fault {
        name: "clocks behind",
        lasts: Lasts::Calls("session.login_with_password", 1),
        begin: act!(sim, sim.skew_clock(-MONTH); sim.restart();),
        end: act!(sim, sim.skew_clock(0);),
    },
    Fault { name: "restart", lasts: Lasts::Moment, begin: act!(sim, sim.restart();), end: nothing },
];
