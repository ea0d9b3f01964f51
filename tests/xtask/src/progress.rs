//! Tells the person what is going on: a live line on a terminal, plain lines elsewhere.
//!
//! Everything goes to standard error. A broken pipe or a closed terminal is no reason to stop, so write errors are ignored.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Without a terminal, a long step says this often that it is still at work.
const REMINDER: Duration = Duration::from_secs(20);

/// Prints steps with the time since the start.
pub struct Progress {
    started: Instant,
    live: bool,
    colour: bool,
}

/// A step that was begun and not yet ended.
pub struct Step {
    name: String,
    begun: Instant,
    said: Instant,
}

impl Progress {
    /// Starts the clock. Looks at standard error and `NO_COLOR`.
    pub fn new() -> Progress {
        let live = std::io::stderr().is_terminal();
        let colour = live && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Progress { started: Instant::now(), live, colour }
    }

    /// Begins a step.
    pub fn step(&self, name: &str) -> Step {
        let mut step = Step { name: name.to_owned(), begun: Instant::now(), said: Instant::now() };
        if self.live {
            self.tick(&mut step, "");
        } else {
            self.line(name);
        }
        step
    }

    /// Shows `detail` (the last thing the step's program said). Cheap; call it often.
    pub fn tick(&self, step: &mut Step, detail: &str) {
        let detail = detail.trim();
        let seconds = step.begun.elapsed().as_secs();
        if self.live {
            let text = format!("{} {seconds} s  {detail}", step.name);
            let text: String = text.chars().filter(|c| !c.is_control()).take(columns().saturating_sub(10)).collect();
            say_raw(&format!("\r\x1b[K{} {text}", self.clock()));
        } else if step.said.elapsed() >= REMINDER {
            step.said = Instant::now();
            self.line(&format!("{}: still at it after {seconds} s ({detail})", step.name));
        }
    }

    /// Ends a step well.
    pub fn done(&self, step: Step) {
        self.end(&step, "done", "32");
    }

    /// Ends a step badly; what went wrong is told by the error.
    pub fn failed(&self, step: Step) {
        self.end(&step, "FAILED", "31");
    }

    /// Ends a step that somebody stopped.
    pub fn stopped(&self, step: Step) {
        self.end(&step, "stopped", "33");
    }

    /// Prints one line with the clock in front.
    pub fn line(&self, text: &str) {
        if self.live {
            say_raw("\r\x1b[K");
        }
        say(&format!("{} {text}", self.clock()));
    }

    fn end(&self, step: &Step, word: &str, colour: &str) {
        let word = if self.colour { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() };
        self.line(&format!("{}: {word} ({:.1} s)", step.name, step.begun.elapsed().as_secs_f64()));
    }

    fn clock(&self) -> String {
        let seconds = self.started.elapsed().as_secs();
        format!("[{:2}:{:02}]", seconds / 60, seconds % 60)
    }
}

/// Prints a line on standard error, whatever became of it.
pub fn say(line: &str) {
    say_raw(&format!("{line}\n"));
}

fn say_raw(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints a line on standard output, whatever became of it.
pub fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[allow(unsafe_code)]
fn columns() -> usize {
    // SAFETY: TIOCGWINSZ writes one winsize, which is plain data.
    let size = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        if libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &raw mut size) != 0 {
            return 80;
        }
        size
    };
    if size.ws_col == 0 { 80 } else { size.ws_col as usize }
}
