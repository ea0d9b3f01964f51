//! `bench smoke`: the few figures that every change should leave alone, in one run of a minute or two.

use anyhow::{Context, Result};
use rig::Rig;

use crate::places::{PLUGIN, Places};
use crate::report::{Figure, Report};
use crate::{events, life, measure, plugins};

/// Rounds. Starts take seconds each, because memory has to come to rest; calls are cheap.
const STARTS: usize = 7;
const POOLS: usize = 5;
const CALLS: usize = 5_000;
const CHANGES: usize = 60;
const OWN_CHANGES: usize = 60;

/// Measures.
///
/// # Errors
/// When something cannot be measured; a target that is missed is no error.
pub fn run(places: &Places) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    // On this thread: the daemons end with the thread that started them.
    let figures = runtime.block_on(figures(places))?;
    Ok(Report { name: "smoke", figures, program: places.xylem.clone() })
}

async fn figures(places: &Places) -> Result<Vec<Figure>> {
    step("start, resident memory without pools");
    let starts = life::starts(STARTS).await?;
    step("resident memory with the recorded pools");
    let mut rig = Rig::builder().plugin(PLUGIN).pools(life::POOLS).start().await?;
    let pools = life::with_pools(&mut rig, POOLS).await?;
    step("changes on their way to a client");
    let changes = events::to_socket(&rig, CHANGES).await?;
    let used = measure::rss_at_rest(&rig).await?;
    rig.stop().await?;
    let own = events::to_socket_own(OWN_CHANGES).await?;
    step("plugin calls");
    let calls = plugins::calls(places, CALLS).await?;
    Ok(vec![
        Figure::of("start", "ms", "from exec to ready, on a state that exists", &starts.start)?.at_most(150.0),
        Figure::of("rss_idle", "MiB", "resident without pools", &starts.rss)?.at_most(30.0),
        Figure::of("rss_pools", "MiB", "resident with the two recorded pools, before anyone signs in", &pools)?,
        Figure::of("rss_used", "MiB", "the same after a sign-in, a listing and changes", &[used])?,
        Figure::of("plugin_instantiate", "us", "a fresh instance of auth-ldap", &calls.instantiate)?.at_most(50.0),
        Figure::of("plugin_call", "us", "its `validate` through the runtime", &calls.call)?.at_most(100.0),
        Figure::of("event_to_socket", "ms", "from a change to a client's socket, XAPI's pauses included", &changes)?,
        Figure::of("event_to_socket_own", "ms", "the same when the pool answers at once", &own)?,
    ])
}

/// Tells on standard error what takes time now.
fn step(what: &str) {
    eprintln!("bench: {what}");
}
