//! Runs one program to its end: quietly with its words in a log and the last of them on the progress line, or aloud.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::counts::strip_colours;
use crate::group;
use crate::progress::Progress;
use crate::signals::{Signals, Stopped, Woken};

/// How often the progress line and a followed log are looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// How much of a log is shown when its program fails.
const TAIL_LINES: usize = 40;

/// What every command needs to run programs.
pub struct Runner {
    /// Stop requests and ends of children.
    pub signals: Signals,
    /// Where we tell what happens.
    pub progress: Progress,
    /// Folder of the logs.
    pub logs: PathBuf,
}

impl Runner {
    /// Runs `command` as a step with its output in a log. Returns what it wrote to standard output.
    ///
    /// # Errors
    /// When it cannot be started or fails (the error holds the end of its log), or [`Stopped`].
    pub fn quiet(&self, name: &str, command: &mut Command) -> Result<String> {
        let log = self.log_of(name)?;
        let out = log.with_extension("out");
        colours(command, false);
        command.stdout(File::create(&out)?).stderr(File::create(&log)?);
        let mut step = self.progress.step(name);
        let mut child = group::spawn(command).with_context(|| format!("start {}", shown(command)))?;
        let ended = self.wait(&mut child, |runner| {
            let words = last_line(&log);
            runner.progress.tick(&mut step, if words.is_empty() { last_line(&out) } else { words }.as_str());
        });
        match ended {
            Ok(status) if status.success() => self.progress.done(step),
            Ok(status) => {
                self.progress.failed(step);
                let words = [tail(&out, 15), tail(&log, TAIL_LINES)].join("\n");
                bail!(
                    "{name}: `{}` ended with {}\n{}\n(whole log: {})",
                    shown(command),
                    group::describe(status),
                    words.trim(),
                    log.display()
                );
            }
            Err(error) => {
                self.progress.stopped(step);
                return Err(error);
            }
        }
        std::fs::read_to_string(&out).with_context(|| format!("read {}", out.display()))
    }

    /// Runs `command` with its output shown as it comes, and calls `line` for each line of it. Returns how it ended.
    ///
    /// # Errors
    /// When it cannot be started, or [`Stopped`]. A failure of the program is a value.
    pub fn aloud(&self, name: &str, command: &mut Command, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
        let log = self.log_of(name)?;
        File::create(&log)?;
        let write = OpenOptions::new().append(true).open(&log)?;
        colours(command, std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
        command.stdout(write.try_clone()?).stderr(write);
        let mut follower = Follower { file: File::open(&log)?, rest: Vec::new() };
        let mut child = group::spawn(command).with_context(|| format!("start {}", shown(command)))?;
        let ended = self.wait(&mut child, |_| follower.drain(&mut line));
        follower.drain(&mut line);
        follower.finish(&mut line);
        ended
    }

    /// Waits for `child`, calling `glance` again and again. A request to stop ends the child and is an error.
    fn wait(&self, child: &mut Child, mut glance: impl FnMut(&Runner)) -> Result<ExitStatus> {
        loop {
            if let Some(status) = child.try_wait()? {
                // What it left behind in its group (a compiler, a browser) goes with it.
                group::signal(child.id(), libc::SIGKILL);
                return Ok(status);
            }
            glance(self);
            if let Woken::Stop(signal) = self.signals.wait(GLANCE)? {
                group::stop(&self.signals, &mut [("", child)])?;
                bail!(Stopped(signal));
            }
        }
    }

    fn log_of(&self, name: &str) -> Result<PathBuf> {
        std::fs::create_dir_all(&self.logs).with_context(|| format!("make {}", self.logs.display()))?;
        let file: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Ok(self.logs.join(format!("{file}.log")))
    }
}

/// Tells a program whether its output ends on a terminal; it sees a file, and some guess otherwise in CI.
fn colours(command: &mut Command, wanted: bool) {
    if wanted {
        command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
    } else {
        command.env("CARGO_TERM_COLOR", "never").env("NO_COLOR", "1").env_remove("FORCE_COLOR");
    }
}

/// Reads what a log has grown by.
struct Follower {
    file: File,
    rest: Vec<u8>,
}

impl Follower {
    fn drain(&mut self, line: &mut impl FnMut(&str)) {
        let mut new = Vec::new();
        if self.file.read_to_end(&mut new).is_err() || new.is_empty() {
            return;
        }
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(&new).and_then(|()| out.flush());
        self.rest.extend_from_slice(&new);
        while let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
            let whole: Vec<u8> = self.rest.drain(..=end).collect();
            line(String::from_utf8_lossy(&whole).trim_end());
        }
    }

    fn finish(&mut self, line: &mut impl FnMut(&str)) {
        if !self.rest.is_empty() {
            line(&String::from_utf8_lossy(&self.rest));
            let _ = std::io::stdout().lock().write_all(b"\n");
        }
    }
}

/// The last `lines` lines of a file, or nothing.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = strip_colours(&end_of(path, 64 << 10));
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn last_line(path: &Path) -> String {
    strip_colours(&end_of(path, 512))
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty() && !line.starts_with("npm warn"))
        .unwrap_or_default()
        .to_owned()
}

fn end_of(path: &Path, bytes: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(bytes)))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        Ok(text)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// The command as one would type it (for messages; not quoted for a shell).
pub fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
