//! `rig serve`: a whole system for tests in other languages. One line of JSON says where everything is; it runs until standard
//! input is closed, or SIGTERM or SIGINT comes.

use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use rig::Rig;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use xapi_sim::Fleet;

/// Starts pools, a daemon and a directory for tests.
#[derive(Parser)]
#[command(name = "rig", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a system until standard input is closed.
    Serve(Serve),
}

#[derive(Args)]
struct Serve {
    /// Recorded pools: single-host, pool2, snapshots, or paths of dumps.
    #[arg(long, value_delimiter = ',')]
    pools: Vec<String>,
    /// A made-up fleet beside them: small, medium, large, or a number of VMs.
    #[arg(long)]
    fleet: Option<String>,
    /// Start a directory server too.
    #[arg(long)]
    slapd: bool,
    /// Folder whose plugins are installed; may be given several times.
    #[arg(long)]
    plugins: Vec<PathBuf>,
    /// Built plugins to install, by name, such as auth-ldap.
    #[arg(long, value_delimiter = ',')]
    install: Vec<String>,
    /// Address of the daemon; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

// One thread: the kernel ends our children with the thread that started them, and this one lasts.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Command::Serve(serve) = Cli::parse().command;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let closed = watch_input();
    let asked = async move {
        tokio::select! {
            _ = closed => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokio::pin!(asked);
    let mut rig = tokio::select! {
        rig = start(&serve) => rig?,
        () = &mut asked => return Ok(()),
    };
    let mut out = std::io::stdout();
    writeln!(out, "{}", describe(&rig, &serve)?).and_then(|()| out.flush()).context("say where everything is")?;
    // The simulators work meanwhile, on this thread.
    asked.await;
    rig.kill9();
    Ok(())
}

async fn start(serve: &Serve) -> Result<Rig> {
    let pools = serve.pools.iter().map(String::as_str);
    let mut builder = Rig::builder().pools(pools).slapd(serve.slapd).listen(&serve.listen);
    if let Some(name) = &serve.fleet {
        let fleet = Fleet::named(name).context("no such fleet")?;
        for pool in 0..fleet.pools {
            builder = builder.pool(fleet.options(pool));
        }
    }
    for folder in &serve.plugins {
        builder = builder.plugins(folder);
    }
    for name in &serve.install {
        builder = builder.plugin(name);
    }
    builder.start().await
}

fn describe(rig: &Rig, serve: &Serve) -> Result<Value> {
    let sims = rig.sims().iter().map(|sim| {
        json!({
            "url": sim.url(), "host": sim.host(), "control": sim.control_url(), "fingerprint": sim.fingerprint(),
            "username": sim.username(), "password": sim.password(),
        })
    });
    let mut line = json!({
        "url": rig.url(), "user": "admin", "password": rig.password()?, "pid": rig.pid()?, "state": rig.state(),
        "log": rig.log(), "plugins": rig.plugins(), "sims": sims.collect::<Vec<_>>(),
    });
    if serve.slapd {
        line["ldap"] = rig.slapd().describe();
    }
    Ok(line)
}

/// Resolves when standard input ends. In a thread of its own: a blocked read cannot be cancelled.
fn watch_input() -> tokio::sync::oneshot::Receiver<()> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let (mut input, mut part) = (std::io::stdin().lock(), [0; 4096]);
        while matches!(input.read(&mut part), Ok(read) if read > 0) {}
        let _ = sender.send(());
    });
    receiver
}
