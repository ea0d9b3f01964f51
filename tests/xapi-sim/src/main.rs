//! The simulator as a program: serves a recorded pool, or all pools of a made-up fleet, until it is told to stop.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Parser;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use xapi_sim::{Delays, Fleet, Options, Release, Sim};

/// A XAPI master that lives in memory.
#[derive(Parser)]
#[command(name = "xapi-sim", version)]
struct Args {
    /// The pool: single-host, pool2, snapshots, or a file of the shape {class: {ref: record}}.
    #[arg(long, default_value = "single-host")]
    dump: String,
    /// A made-up fleet instead: small, medium, large, or a number of VMs. Each pool is a simulator with a line of its own.
    #[arg(long, conflicts_with = "dump")]
    fleet: Option<String>,
    /// Which host it is: 6.5, 7.0, 7.2, 8.2, 8.3, or latest.
    #[arg(long, default_value = "latest")]
    release: Release,
    /// Address to listen on; port 0 takes a free one. The pools of a fleet take this port and the following ones.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Serve TLS with a self-signed certificate.
    #[arg(long)]
    tls: bool,
    /// Folder that keeps the certificate between runs.
    #[arg(long)]
    certificate_folder: Option<PathBuf>,
    /// Address of the control endpoint; a fleet's pools take this port and the following ones.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// The account that may log in.
    #[arg(long, default_value = "root")]
    user: String,
    /// Its password.
    #[arg(long, default_value = "password")]
    password: String,
    /// Start of the pseudo-random uuids.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many copies of every real VM to add.
    #[arg(long, default_value_t = 0)]
    copies: usize,
    /// Milliseconds one VM operation takes.
    #[arg(long, default_value_t = 30)]
    operation: u64,
    /// Answer JSON-RPC calls as a host older than 7.3 does: with XML.
    #[arg(long)]
    no_json_rpc: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let mut stop = signal(SignalKind::terminate())?;
    let pools: Vec<Options> = match &args.fleet {
        Some(name) => {
            let fleet = Fleet::named(name).with_context(|| format!("no fleet {name}"))?;
            let fleet = Fleet { seed: args.seed, ..fleet };
            (0..fleet.pools).map(|pool| fleet.options(pool)).collect()
        }
        None => vec![Options { dump: args.dump.as_str().into(), seed: args.seed, ..Options::default() }],
    };
    let mut sims = Vec::new();
    for (number, pool) in pools.into_iter().enumerate() {
        let sim = Sim::start(Options {
            listen: following(args.listen, number),
            tls: args.tls,
            certificate_folder: args
                .certificate_folder
                .as_ref()
                .map(|f| if number == 0 { f.clone() } else { f.join(number.to_string()) }),
            control: Some(following(args.control, number)),
            user: args.user.clone(),
            password: args.password.clone(),
            release: args.release,
            json_rpc: !args.no_json_rpc,
            copies: args.copies,
            delays: Delays { operation: Duration::from_millis(args.operation), ..Delays::default() },
            ..pool
        })
        .await?;
        println!("{}", json!({ "url": sim.url(), "fingerprint": sim.fingerprint(), "control": sim.control_url() }));
        sims.push(sim);
    }
    tokio::select! {
        _ = stop.recv() => {}
        done = tokio::signal::ctrl_c() => done?,
    }
    for sim in sims {
        sim.stop().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// The address for the pool of this number: a free port each, or ports in a row.
fn following(mut first: SocketAddr, number: usize) -> SocketAddr {
    if first.port() != 0 {
        first.set_port(first.port().saturating_add(u16::try_from(number).unwrap_or(u16::MAX)));
    }
    first
}
