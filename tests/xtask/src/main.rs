//! `cargo xtask`: everything a person or CI does with this repository, set-up included.

mod args;
mod artifacts;
mod bench;
mod children;
mod ci;
mod counts;
mod demo;
mod fuzz;
mod group;
mod host;
mod http;
mod plugins;
mod progress;
mod repo;
mod run;
mod setup;
mod signals;
mod stages;
mod stamp;
mod test;
mod tidy;
mod up;

use std::process::ExitCode;

use anyhow::{Result, bail};

use args::Task;
use progress::{Progress, print, say};
use repo::Repo;
use run::Runner;
use signals::{Signals, Stopped};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let task = match args::parse(&words) {
        Ok(Task::Help) => {
            print(args::USAGE.trim_end());
            return ExitCode::SUCCESS;
        }
        Ok(task) => task,
        Err(error) => {
            say(&format!("error: {error}\n\n{}", args::USAGE.trim_end()));
            return ExitCode::from(2);
        }
    };
    match perform(task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => match error.downcast_ref::<Stopped>() {
            Some(Stopped(signal)) => ExitCode::from(128 + u8::try_from(*signal).unwrap_or(0)),
            None => {
                stages::tell(&error);
                ExitCode::FAILURE
            }
        },
    }
}

/// Does the task. `false` when it ran to its end and found something wrong.
fn perform(task: Task) -> Result<bool> {
    // Before anything else: every thread and every wait relies on it.
    let signals = Signals::take_over()?;
    if let Task::Supervise(commands) = task {
        return supervise(&signals, &commands).map(|()| true);
    }
    let repo = Repo::find()?;
    let logs = if matches!(task, Task::Up(_)) { repo.state("log") } else { repo.target.join("log") };
    let runner = Runner { signals, progress: Progress::new(), logs };
    match task {
        Task::Up(options) => up::up(&runner, &repo, &options)?,
        Task::Test(options) => return test::test(&runner, &repo, &options),
        Task::Ci => return ci::ci(&runner, &repo),
        Task::Bench(words) => bench::bench(&runner, &repo, &words)?,
        Task::Tidy => tidy::tidy(&repo)?,
        Task::Codegen => tidy::codegen(&repo.root)?,
        Task::Deny => ci::deny(&runner, &repo)?,
        Task::Web => {
            setup::node(&repo)?;
            setup::web(&runner, &repo)?;
            print(&repo.path("web/dist").to_string_lossy());
        }
        Task::Plugins => {
            let folders = plugins::build(&runner, &repo)?;
            print(&folders.plugins.to_string_lossy());
            print(&folders.hostile.to_string_lossy());
        }
        Task::Help | Task::Supervise(_) => bail!("handled above"),
    }
    Ok(true)
}

/// Runs shell commands as `up` runs its programs, until one ends or we are asked to stop. For the tests of just that.
fn supervise(signals: &Signals, commands: &[String]) -> Result<()> {
    let mut children = children::Children::new(signals);
    let folder = std::env::current_dir()?;
    for (index, command) in commands.iter().enumerate() {
        let mut shell = repo::program("/bin/sh", &folder);
        shell.args(["-c", command]);
        children.start(&format!("command {index}"), &mut shell, &folder.join(format!("{index}.log")), None)?;
    }
    print("started");
    let result = children.watch();
    children.stop();
    result.map(|signal| say(&format!("Stopped by signal {signal}.")))
}
