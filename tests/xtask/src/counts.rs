//! Reads how many tests passed and failed from the words of the runners: nextest, cargo test, Vitest, Playwright.

/// Tests of one stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ran well.
    pub passed: u64,
    /// Ran badly, did not end in time, or could not run.
    pub failed: u64,
}

/// Adds up what a runner says, line by line. Every runner is recognised by its own words, so one parser serves all.
#[derive(Debug, Default)]
pub struct Counter {
    counts: Counts,
}

impl Counter {
    /// Looks at one line of output.
    pub fn line(&mut self, line: &str) {
        let line = strip_colours(line);
        if let Some(counts) = nextest(&line).or_else(|| cargo_test(&line)).or_else(|| vitest(&line)) {
            self.counts.passed += counts.passed;
            self.counts.failed += counts.failed;
        } else if let Some((number, word)) = playwright(&line) {
            match word {
                // A flaky test failed at least once: here that is a failure of somebody's.
                "failed" | "flaky" | "interrupted" | "did not run" => self.counts.failed += number,
                _ => self.counts.passed += number,
            }
        }
    }

    /// The sum. A stage that ended badly without a failed test (it did not build, say) counts as one failure.
    pub fn finish(self, ended_well: bool) -> Counts {
        let mut counts = self.counts;
        if !ended_well && counts.failed == 0 {
            counts.failed = 1;
        }
        counts
    }
}

/// `Summary [  1.2s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 3 skipped`
fn nextest(line: &str) -> Option<Counts> {
    let rest = line.trim_start().strip_prefix("Summary [")?;
    let (_, rest) = rest.split_once("run:")?;
    let mut counts = Counts::default();
    for part in rest.split(',') {
        let (number, word) = part.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match word {
            word if word.starts_with("passed") => counts.passed += number,
            word if word.starts_with("skipped") => {}
            _ => counts.failed += number,
        }
    }
    Some(counts)
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`
fn cargo_test(line: &str) -> Option<Counts> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        let part = rest.split(';').find(|part| part.trim().ends_with(word))?;
        part.trim().split(' ').next()?.parse().ok()
    };
    Some(Counts { passed: number("passed")?, failed: number("failed")? })
}

/// `      Tests  1 failed | 11 passed | 2 skipped (14)`; the line above it counts files, not tests.
fn vitest(line: &str) -> Option<Counts> {
    let rest = line.trim_start().strip_prefix("Tests  ")?;
    let mut counts = Counts::default();
    for part in rest.split('(').next()?.split('|') {
        let (number, word) = part.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match word.trim() {
            "passed" => counts.passed += number,
            "failed" => counts.failed += number,
            _ => {}
        }
    }
    Some(counts)
}

/// `  3 passed (4.2s)`, `  1 failed`, `  2 flaky`, `  1 did not run`, each on a line of its own.
fn playwright(line: &str) -> Option<(u64, &str)> {
    let rest = line.strip_prefix("  ")?;
    let (number, rest) = rest.split_once(' ')?;
    let number = number.parse().ok()?;
    ["passed", "failed", "flaky", "interrupted", "did not run"]
        .into_iter()
        .find(|word| rest.trim_end() == *word || rest.starts_with(&format!("{word} (")))
        .map(|word| (number, word))
}

/// The text without terminal colours.
pub fn strip_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\x1b[") {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 2..];
        rest = rest.find(|c: char| c.is_ascii_alphabetic()).map_or("", |end| &rest[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runner_is_understood() {
        for (text, passed, failed) in [
            ("     Summary [   0.520s] 21 tests run: 21 passed, 0 skipped", 21, 0),
            (
                "\x1b[32;1m     Summary\x1b[0m [   1.0s] \x1b[1m12\x1b[0m tests run: \x1b[1m9\x1b[0m passed (1 slow), 2 failed, 1 timed out, 3 skipped",
                9,
                3,
            ),
            ("     Summary [   1.0s] 5/12 tests run: 4 passed, 1 exec failed, 0 skipped", 4, 1),
            ("     Summary [   0.0s] 0 tests run: 0 passed, 4 skipped", 0, 0),
            ("     Summary [   0.1s] 1 test run: 1 passed (1 flaky), 0 skipped", 1, 0),
            (
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s\ntest result: FAILED. 2 passed; 5 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
                5,
                5,
            ),
            ("test result_is_read ... ok", 0, 0),
            (" Test Files  2 passed (2)\n      Tests  1 failed | 11 passed | 2 skipped (14)", 11, 1),
            ("\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m12 passed\x1b[39m\x1b[22m\x1b[90m (12)\x1b[39m", 12, 0),
            (
                "  1 failed\n    [chromium] › a.spec.ts:3:1 › 2 passed tests\n  1 flaky\n  2 skipped\n  1 did not run\n  13 passed (40.1s)",
                13,
                3,
            ),
            ("  5 passed (1.2m)", 5, 0),
        ] {
            let mut counter = Counter::default();
            text.lines().for_each(|line| counter.line(line));
            assert_eq!(counter.finish(failed == 0), Counts { passed, failed }, "{text}");
        }
    }

    #[test]
    fn a_stage_that_could_not_run_is_a_failure() {
        assert_eq!(Counter::default().finish(false), Counts { passed: 0, failed: 1 });
    }
}
