//! Keeps the programs of the demo: starts each in a group of its own with a log, notices the end of one, stops all.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::group;
use crate::progress::say;
use crate::run::tail;
use crate::signals::{Signals, Stopped, Woken};

/// How many lines of a log are shown when its program died.
const TAIL_LINES: usize = 25;

/// How often a fact that raises no signal (a file, a port) is looked at while we wait for it.
const GLANCE: Duration = Duration::from_millis(50);

struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

/// Programs that run until we stop them. Dropping it stops them too.
pub struct Children<'a> {
    signals: &'a Signals,
    programs: Vec<Program>,
}

impl<'a> Children<'a> {
    /// No programs yet.
    pub fn new(signals: &'a Signals) -> Children<'a> {
        Children { signals, programs: Vec::new() }
    }

    /// Starts a program. Its standard error goes to `log`, its standard output to `out` or to the log too; the log of
    /// the run before stays beside it as `<log>.old`.
    pub fn start(&mut self, name: &str, command: &mut Command, log: &Path, out: Option<&Path>) -> Result<()> {
        if log.exists() {
            std::fs::rename(log, log.with_extension("log.old")).with_context(|| format!("keep {}", log.display()))?;
        }
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("open {}", log.display()))?;
        match out {
            Some(out) => command.stdout(File::create(out).with_context(|| format!("open {}", out.display()))?),
            None => command.stdout(file.try_clone()?),
        };
        let child = group::spawn(command.stderr(file)).with_context(|| format!("start {name}"))?;
        self.programs.push(Program { name: name.to_owned(), child, log: log.to_owned() });
        Ok(())
    }

    /// Waits until `fact` gives a value, looking again and again.
    ///
    /// # Errors
    /// When a program ends, `limit` passes (the error shows the logs' ends), or [`Stopped`].
    pub fn until<T>(&mut self, what: &str, limit: Duration, mut fact: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            self.look()?;
            if let Some(value) = fact()? {
                return Ok(value);
            }
            if Instant::now() >= deadline {
                let logs: Vec<String> = self.programs.iter().map(Program::last_words).collect();
                bail!("gave up waiting for {what} after {} s.\n{}", limit.as_secs(), logs.join("\n"));
            }
            if let Woken::Stop(signal) = self.signals.wait(GLANCE)? {
                bail!(Stopped(signal));
            }
        }
    }

    /// Waits until somebody asks us to stop. Returns the signal.
    ///
    /// # Errors
    /// When a program ends by itself.
    pub fn watch(&mut self) -> Result<i32> {
        loop {
            self.look()?;
            // The long time-out is a net for a signal that was merged with another; ends wake us at once.
            if let Woken::Stop(signal) = self.signals.wait(Duration::from_secs(5))? {
                return Ok(signal);
            }
        }
    }

    /// Fails when a program has ended.
    fn look(&mut self) -> Result<()> {
        for program in &mut self.programs {
            if let Some(status) = program.child.try_wait()? {
                let how = group::describe(status);
                bail!("{} ended by itself ({how}), so everything stops.\n{}", program.name, program.last_words());
            }
        }
        Ok(())
    }

    /// Stops all programs and what they started, the last started first to be told. Tells who had to be killed.
    pub fn stop(&mut self) {
        let mut all: Vec<(&str, &mut Child)> =
            self.programs.iter_mut().rev().map(|program| (program.name.as_str(), &mut program.child)).collect();
        match group::stop(self.signals, &mut all) {
            Ok(killed) => {
                for name in killed {
                    say(&format!("{name} did not stop when asked and was killed."));
                }
            }
            Err(error) => {
                say(&format!("stop the programs: {error}"));
                for program in &self.programs {
                    group::signal(program.child.id(), libc::SIGKILL);
                }
            }
        }
        self.programs.clear();
    }
}

impl Drop for Children<'_> {
    fn drop(&mut self) {
        if !self.programs.is_empty() {
            self.stop();
        }
    }
}

impl Program {
    fn last_words(&self) -> String {
        format!("--- the end of {}:\n{}", self.log.display(), tail(&self.log, TAIL_LINES))
    }
}
