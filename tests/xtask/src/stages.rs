//! A list of named stages: runs each, goes on after a failure where that tells more, and ends with a table of minutes.

use std::time::{Duration, Instant};

use anyhow::{Error, Result};

use crate::counts::Counts;
use crate::progress::{print, say};
use crate::signals::Stopped;

/// What became of a stage.
struct Outcome {
    name: String,
    took: Duration,
    failed: bool,
    counts: Option<Counts>,
}

/// The stages so far.
#[derive(Default)]
pub struct Stages {
    outcomes: Vec<Outcome>,
}

impl Stages {
    /// Runs a stage. A failure is told and noted; only a request to stop is an error. Returns whether it went well.
    pub fn run(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<bool> {
        self.note(name, || work().map(|()| None))
    }

    /// Runs a stage that counts tests.
    pub fn count(&mut self, name: &str, work: impl FnOnce() -> Result<Counts>) -> Result<bool> {
        self.note(name, || work().map(Some))
    }

    fn note(&mut self, name: &str, work: impl FnOnce() -> Result<Option<Counts>>) -> Result<bool> {
        print(&format!("=== {name}"));
        let begun = Instant::now();
        let (failed, counts) = match work() {
            Ok(counts) => (counts.is_some_and(|counts| counts.failed > 0), counts),
            Err(error) if error.is::<Stopped>() => return Err(error),
            Err(error) => {
                tell(&error);
                (true, None)
            }
        };
        self.outcomes.push(Outcome { name: name.to_owned(), took: begun.elapsed(), failed, counts });
        Ok(!failed)
    }

    /// How many tests were run.
    pub fn tests(&self) -> u64 {
        self.outcomes.iter().filter_map(|outcome| outcome.counts).map(|counts| counts.passed + counts.failed).sum()
    }

    /// Prints a line for each stage. With tests among them, the very last line is `N passed, N failed`; a failed
    /// stage without tests counts as one failure there. Returns whether all went well.
    pub fn finish(self) -> bool {
        print("");
        for line in self.table() {
            print(&line);
        }
        self.outcomes.iter().all(|outcome| !outcome.failed)
    }

    fn table(&self) -> Vec<String> {
        let width = self.outcomes.iter().map(|outcome| outcome.name.chars().count()).max().unwrap_or(0);
        let row = |name: &str, took: Duration, rest: &str| {
            format!("{name:<width$}  {:>5.1} min  {rest}", took.as_secs_f64() / 60.0).trim_end().to_owned()
        };
        let mut lines = Vec::new();
        let (mut all, mut tests) = (Counts::default(), false);
        for outcome in &self.outcomes {
            let word = if outcome.failed { "FAILED" } else { "ok" };
            let rest = match outcome.counts {
                Some(counts) => {
                    tests = true;
                    all.passed += counts.passed;
                    all.failed += counts.failed;
                    format!("{word}  {} ok, {} not", counts.passed, counts.failed)
                }
                None => {
                    all.failed += u64::from(outcome.failed);
                    word.to_owned()
                }
            };
            lines.push(row(&outcome.name, outcome.took, &rest));
        }
        lines.push(row("all", self.outcomes.iter().map(|outcome| outcome.took).sum(), ""));
        if tests {
            lines.push(format!("{} passed, {} failed", all.passed, all.failed));
        }
        lines
    }
}

/// Prints an error with its causes.
pub fn tell(error: &Error) {
    say(&format!("error: {error:#}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn the_table_ends_with_the_sum_of_all_tests() {
        let mut stages = Stages::default();
        assert!(stages.run("format", || Ok(())).expect("no stop"));
        assert!(!stages.run("lint", || bail!("unused variable")).expect("no stop"));
        assert!(stages.count("rust tests", || Ok(Counts { passed: 7, failed: 0 })).expect("no stop"));
        assert!(!stages.count("web", || Ok(Counts { passed: 2, failed: 3 })).expect("no stop"));
        assert_eq!(
            stages.table(),
            [
                "format        0.0 min  ok",
                "lint          0.0 min  FAILED",
                "rust tests    0.0 min  ok  7 ok, 0 not",
                "web           0.0 min  FAILED  2 ok, 3 not",
                "all           0.0 min",
                "9 passed, 4 failed",
            ]
        );
        assert!(!stages.finish());
    }

    #[test]
    fn without_tests_there_is_no_sum_and_a_stop_ends_it_all() {
        let mut stages = Stages::default();
        stages.run("format", || Ok(())).expect("no stop");
        assert_eq!(stages.table().last().map(String::as_str), Some("all       0.0 min"));
        assert!(stages.run("lint", || Err(Stopped(15).into())).is_err());
    }
}
