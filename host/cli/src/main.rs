//! The one binary: `xylem serve` runs the daemon, `backup` and `restore` take care of its store, the other commands are a
//! client of a running daemon (`client/`), with the words of Xen Orchestra's command line.

mod args;
mod client;
mod recover;
mod serve;
mod state;

use std::io;
use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;

use args::{Cli, Command};

/// The C library's allocator keeps what a load leaves behind, in an arena for each thread: 77 MiB instead of 58 for 2,000
/// VMs. How this one is set up stands in `.cargo/config.toml`: it takes that when it is built.
#[global_allocator]
static GLOBAL: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::read(std::env::args_os());
    let outcome = match cli.command {
        // Before any thread or library of the daemon starts: this process is limited and short-lived.
        Command::PluginCompile => return daemon::compile_worker(),
        Command::Serve(serve) => serve::run(serve),
        Command::Recover(recover) => recover::run(recover),
        Command::Backup(what) => state::backup(&what),
        Command::Restore(what) => state::restore(&what),
        Command::Completions { shell } => completions(shell),
        Command::Client(command) => client::run(command, cli.url.as_deref()),
        Command::Call(args) => client::call(&args, cli.url.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough: `xylem list-objects | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xylem: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<()> {
    let all = Cli::command();
    // Some shells would offer what is hidden, too.
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let mut command = clap::Command::new("xylem").version(env!("CARGO_PKG_VERSION"));
    command = command.args(all.get_arguments().cloned()).subcommands(shown);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "xylem", &mut script);
    client::output::write(&script)
}

/// Only our own standard output tells us so in this form; a connection that breaks is an error of the client's libraries.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let direct = error.downcast_ref::<io::Error>();
    direct.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
