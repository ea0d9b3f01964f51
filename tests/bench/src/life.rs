//! A daemon's start and its memory, with and without pools.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rig::Rig;

use crate::measure::{millis, rss_at_rest};
use crate::places::PLUGIN;

/// The recorded pools of the demo, by their names in the simulator.
pub const POOLS: [&str; 2] = ["single-host", "pool2"];

/// How often a daemon that is about to listen is asked whether it is ready.
const GLANCE: Duration = Duration::from_millis(1);

/// How long a start may take at most.
const LIMIT: Duration = Duration::from_secs(60);

/// What is known after some starts.
pub struct Starts {
    /// Milliseconds from the program's start to its first "ready".
    pub start: Vec<f64>,
    /// Resident MiB once it rests.
    pub rss: Vec<f64>,
}

/// Starts a daemon again and again on the same state, with a plugin installed and compiled, without pools. The very first
/// start, which makes the store, hashes a password and compiles the plugin, is not among them.
///
/// # Errors
/// When it does not start.
pub async fn starts(rounds: usize) -> Result<Starts> {
    let mut rig = Rig::builder().plugin(PLUGIN).start().await?;
    rss_at_rest(&rig).await?;
    let mut found = Starts { start: Vec::new(), rss: Vec::new() };
    for _ in 0..rounds {
        rig.stop().await?;
        let address = rig.address().to_owned();
        let begin = Instant::now();
        // The rig starts the program at once and then looks now and then; for the exact moment we look ourselves.
        let (started, ready) = tokio::join!(rig.start_again(), ready(&address));
        started?;
        found.start.push(millis(ready?.duration_since(begin)));
        found.rss.push(rss_at_rest(&rig).await?);
    }
    rig.stop().await?;
    Ok(found)
}

/// Returns when the daemon said "ready".
async fn ready(address: &str) -> Result<Instant> {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let ask = async {
        loop {
            match rig::raw(address, request.as_bytes()).await {
                Ok(answer) if answer.starts_with(b"HTTP/1.1 200") => return Instant::now(),
                _ => tokio::time::sleep(GLANCE).await,
            }
        }
    };
    tokio::time::timeout(LIMIT, ask).await.context("the daemon did not become ready")
}

/// Returns the resident MiB of a daemon with the demo's pools: as the rounds' daemons come to rest with every pool live.
///
/// # Errors
/// When a pool does not become live.
pub async fn with_pools(rig: &mut Rig, rounds: usize) -> Result<Vec<f64>> {
    let mut found = Vec::new();
    for _ in 0..rounds {
        rig.restart().await?;
        rig.pools_are_live().await?;
        found.push(rss_at_rest(rig).await?);
    }
    Ok(found)
}
