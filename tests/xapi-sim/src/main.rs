//! The simulator as a program: serves one recorded pool until it is told to stop.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use xapi_sim::{Delays, Options, Sim};

/// A XAPI master that lives in memory.
#[derive(Parser)]
#[command(name = "xapi-sim", version)]
struct Args {
    /// The pool: single-host, pool2, snapshots, or a file of the shape {class: {ref: record}}.
    #[arg(long, default_value = "single-host")]
    dump: String,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Serve TLS with a self-signed certificate.
    #[arg(long)]
    tls: bool,
    /// Folder that keeps the certificate between runs.
    #[arg(long)]
    certificate_folder: Option<PathBuf>,
    /// Address of the control endpoint.
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
    let sim = Sim::start(Options {
        dump: args.dump.as_str().into(),
        listen: args.listen,
        tls: args.tls,
        certificate_folder: args.certificate_folder,
        control: Some(args.control),
        user: args.user,
        password: args.password,
        json_rpc: !args.no_json_rpc,
        seed: args.seed,
        copies: args.copies,
        delays: Delays { operation: Duration::from_millis(args.operation), ..Delays::default() },
    })
    .await?;
    println!("{}", json!({ "url": sim.url(), "fingerprint": sim.fingerprint(), "control": sim.control_url() }));
    tokio::select! {
        _ = stop.recv() => {}
        done = tokio::signal::ctrl_c() => done?,
    }
    sim.stop().await;
    Ok(ExitCode::SUCCESS)
}
