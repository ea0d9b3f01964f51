//! How long a change in a pool takes to a client's socket.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rig::{Client, Rig};
use serde_json::json;
use xapi_sim::{Delays, Options};

use crate::life::POOLS;
use crate::measure::millis;
use crate::places::PLUGIN;

/// Milliseconds from one notification to the next change: 0, 149, 298, 46, ... so that changes meet each moment of XAPI's
/// rhythm, in its first pause as well as in the quiet time after it.
const STEP: u64 = 149;
const LONGEST: u64 = 401;

/// Returns the milliseconds from changes in the simulator to their notifications on a client's socket. The pauses that
/// XAPI makes before it answers (50 ms, then looks 50 ms apart) are part of it.
///
/// # Errors
/// When a notification does not come.
pub async fn to_socket(rig: &Rig, rounds: usize) -> Result<Vec<f64>> {
    let client = rig.admin().await?;
    client.watch().await?;
    let sim = rig.sim(0);
    let (reference, id) = vm(rig)?;
    let mut found = Vec::new();
    for round in 0..=rounds {
        tokio::time::sleep(Duration::from_millis(round as u64 * STEP % LONGEST)).await;
        let name = format!("bench {round}");
        let begin = Instant::now();
        sim.set("VM", &reference, "name_label", json!(name))?;
        let took = told(&client, &id, &name, begin).await?;
        // The first change finds cold code on both sides.
        if round > 0 {
            found.push(millis(took));
        }
    }
    Ok(found)
}

/// As [`to_socket`], on a pool that answers at once (it looks every millisecond): what is our own part of it.
///
/// # Errors
/// When a notification does not come.
pub async fn to_socket_own(rounds: usize) -> Result<Vec<f64>> {
    let pause = Delays { event_before: Duration::ZERO, event_spacing: Duration::from_millis(1), ..Delays::default() };
    let pool = Options { dump: POOLS[0].into(), delays: pause, ..Options::default() };
    let mut rig = Rig::builder().plugin(PLUGIN).pool(pool).start().await?;
    let found = to_socket(&rig, rounds).await?;
    rig.stop().await?;
    Ok(found)
}

async fn told(client: &Client, id: &str, name: &str, begin: Instant) -> Result<Duration> {
    let heard = |view: &rig::View| view.objects.get(id).filter(|vm| vm["name_label"] == name).map(|_| begin.elapsed());
    client.until("the new name", heard).await
}

/// Returns reference and id of a real VM of the first pool.
fn vm(rig: &Rig) -> Result<(String, String)> {
    let vms = rig.sim(0).records("VM");
    let mut real = vms.into_iter().filter(|(_, vm)| vm["is_a_template"] == false && vm["is_control_domain"] == false);
    let (reference, vm) = real.next().context("the pool has no VM")?;
    let id = vm["uuid"].as_str().context("the VM has no uuid")?;
    Ok((reference, id.to_owned()))
}
