//! A program that runs beside a test: in a group of its own, with a log, and never longer than the test.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::wait;

/// How much of a log is shown when a test fails, in lines.
const LAST_LINES: usize = 60;

/// A running program. Dropping it kills its whole group.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
    /// Whether the end of the log is shown when nobody stopped it: the test broke off.
    telling: bool,
}

impl Process {
    /// Starts a program; standard output and error are added to `log`.
    ///
    /// The kernel kills it when the calling *thread* ends: call this from a thread that lives as long as the program.
    #[allow(unsafe_code)]
    pub(crate) fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("open {}", log.display()))?;
        let parent = std::process::id();
        // An inherited pipe would keep the runner waiting for the end of our output.
        command.process_group(0).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        // SAFETY: between fork and exec the closure only calls prctl and getppid, which are async-signal-safe, and builds
        // errors that do not allocate.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // The parent may have died before prctl; then no signal will ever come.
                if libc::getppid() != parent as libc::pid_t {
                    return Err(io::Error::from_raw_os_error(libc::ESRCH));
                }
                Ok(())
            });
        }
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self { name, child, log: log.to_owned(), ended: None, telling: false })
    }

    /// From now on, dropping it while it runs shows the end of its log.
    pub(crate) fn telling(mut self) -> Self {
        self.telling = true;
        self
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns how it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Errors
    /// When it takes longer than `limit`; then it is killed.
    pub(crate) async fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(libc::SIGTERM);
        let asked = wait::until_within(limit, "the end of the program", async || self.ended()).await;
        match asked {
            Ok(status) => Ok(status),
            Err(_) => {
                self.kill();
                bail!("{} did not stop within {limit:?} after SIGTERM\n{}", self.name, self.last_words())
            }
        }
    }

    /// Kills it and what it started, and waits for it.
    pub(crate) fn kill(&mut self) {
        if self.ended().is_none() {
            self.signal(libc::SIGKILL);
            self.ended = self.child.wait().ok();
        }
    }

    #[allow(unsafe_code)]
    fn signal(&self, signal: i32) {
        let group = libc::pid_t::try_from(self.child.id()).expect("a process id fits pid_t, it came from the kernel");
        // SAFETY: kill touches no memory. The group is not reused: its leader is our child and not reaped yet.
        unsafe {
            libc::kill(-group, signal);
        }
    }

    /// Returns the end of its log.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
        format!("--- the end of {}:\n{last}\n---", self.log.display())
    }

    /// Returns resident memory in bytes, without pages of files: what the program itself holds.
    pub(crate) fn rss(&self) -> Result<u64> {
        Ok(self.status("VmRSS")? * 1024)
    }

    /// Returns the most resident memory since the start, or since [`Process::reset_peak`], in bytes.
    pub(crate) fn peak(&self) -> Result<u64> {
        Ok(self.status("VmHWM")? * 1024)
    }

    /// Lets [`Process::peak`] start over.
    pub(crate) fn reset_peak(&self) -> Result<()> {
        let file = format!("/proc/{}/clear_refs", self.child.id());
        std::fs::write(&file, "5").with_context(|| format!("write {file}"))
    }

    /// Returns the processor time of all its threads in seconds, in steps of 10 ms.
    pub(crate) fn processor(&self) -> Result<f64> {
        let file = format!("/proc/{}/stat", self.child.id());
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
        // The name in parentheses may contain spaces; after it, user and system time are the 12th and 13th field.
        let fields = text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().skip(11).take(2));
        let ticks: Vec<f64> = fields.into_iter().flatten().filter_map(|field| field.parse().ok()).collect();
        match ticks[..] {
            // USER_HZ is 100 on every Linux there is for programs.
            [user, system] => Ok((user + system) / 100.0),
            _ => bail!("{file} has no processor time"),
        }
    }

    /// Returns how many threads it has.
    pub(crate) fn threads(&self) -> Result<u64> {
        self.status("Threads")
    }

    /// Returns how many descriptors it has open.
    pub(crate) fn fds(&self) -> Result<usize> {
        let folder = format!("/proc/{}/fd", self.child.id());
        Ok(std::fs::read_dir(&folder).with_context(|| format!("list {folder}"))?.count())
    }

    fn status(&self, field: &str) -> Result<u64> {
        let file = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.with_context(|| format!("{file} has no {field}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let broken_off = self.telling && self.ended.is_none();
        self.kill();
        if broken_off {
            eprintln!("{}", self.last_words());
        }
    }
}
