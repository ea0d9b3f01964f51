//! `rig serve`: a whole system for tests in other languages. One line of JSON says where everything is; it runs until standard
//! input is closed, or SIGTERM or SIGINT comes.

use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use rig::Rig;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

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
    let mut closed = watch_input();
    let mut builder =
        Rig::builder().pools(serve.pools.iter().map(String::as_str)).slapd(serve.slapd).listen(&serve.listen);
    for folder in serve.plugins {
        builder = builder.plugins(folder);
    }
    for name in &serve.install {
        builder = builder.plugin(name);
    }
    let work = async {
        let rig = builder.start().await?;
        let mut line = json!({
            "url": rig.url(), "user": "admin", "password": rig.password()?, "pid": rig.pid()?, "state": rig.state(),
            "log": rig.log(), "plugins": rig.plugins(), "sims": rig.sims().iter().map(|sim| json!({
                "url": sim.url(), "host": sim.host(), "control": sim.control_url(), "fingerprint": sim.fingerprint(),
                "username": sim.username(), "password": sim.password(),
            })).collect::<Vec<_>>(),
        });
        if serve.slapd {
            line["ldap"] = rig.slapd().describe();
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).context("say where everything is")?;
        drop(out);
        // Simulators work in this future's runtime while it waits for nothing.
        std::future::pending::<()>().await;
        drop(rig);
        Ok(())
    };
    tokio::select! {
        outcome = work => outcome,
        _ = &mut closed => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
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
