//! What a bench found: a file for machines, a table for people.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::measure;

/// Whether this is a build whose figures count.
pub const RELEASE: bool = !cfg!(debug_assertions);

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Stable name.
    pub name: String,
    /// "ms", "us", "MiB".
    pub unit: &'static str,
    /// The middle of all rounds: the figure as such.
    pub median: f64,
    /// The smallest round.
    pub min: f64,
    /// The largest round.
    pub max: f64,
    /// What the median should be at most, or at least; none = there is no promise.
    pub target: Option<f64>,
    /// Whether the target is a lower bound.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    /// Whether it is met; true without a target.
    pub met: bool,
    /// How often it was measured.
    #[serde(skip)]
    pub rounds: usize,
    /// What it is, for people.
    #[serde(skip)]
    pub about: String,
}

impl Figure {
    /// Names a figure that is yet to be measured.
    pub fn new(name: impl Into<String>, unit: &'static str, about: impl Into<String>) -> Self {
        let (name, about) = (name.into(), about.into());
        let (median, min, max) = (f64::NAN, f64::NAN, f64::NAN);
        Self { name, unit, median, min, max, target: None, at_least: false, met: true, rounds: 0, about }
    }

    /// Sums up the rounds.
    ///
    /// # Errors
    /// When there was no round.
    pub fn with(self, rounds: &[f64]) -> Result<Self> {
        ensure!(!rounds.is_empty() && rounds.iter().all(|round| round.is_finite()), "{} was not measured", self.name);
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        // Three decimals: more is noise, and makes files that are compared hard to read.
        let tidy = |value: f64| (value * 1_000.0).round() / 1_000.0;
        let (min, max) = (tidy(sorted[0]), tidy(sorted[sorted.len() - 1]));
        let median = tidy(measure::median(&sorted));
        let figure = Self { median, min, max, rounds: rounds.len(), ..self };
        Ok(Self { met: figure.is_met(), ..figure })
    }

    /// Sums up the rounds of a figure without a target.
    ///
    /// # Errors
    /// When there was no round.
    pub fn of(name: &str, unit: &'static str, about: &str, rounds: &[f64]) -> Result<Self> {
        Self::new(name, unit, about).with(rounds)
    }

    /// Promises that the median is no more than this.
    #[must_use]
    pub fn at_most(self, target: f64) -> Self {
        let figure = Self { target: Some(target), at_least: false, ..self };
        Self { met: figure.is_met(), ..figure }
    }

    /// Promises that the median is no less than this.
    #[must_use]
    pub fn at_least(self, target: f64) -> Self {
        let figure = Self { target: Some(target), at_least: true, ..self };
        Self { met: figure.is_met(), ..figure }
    }

    fn is_met(&self) -> bool {
        self.target.is_none_or(|target| if self.at_least { self.median >= target } else { self.median <= target })
    }

    fn promise(&self) -> String {
        let sign = if self.at_least { ">=" } else { "<=" };
        self.target.map_or("-".to_owned(), |target| format!("{sign} {}", short(target)))
    }
}

/// All figures of a bench.
#[derive(Debug)]
pub struct Report {
    /// Name of the bench.
    pub name: &'static str,
    /// The figures, in the order in which they are shown.
    pub figures: Vec<Figure>,
    /// The daemon that was measured.
    pub program: PathBuf,
}

impl Report {
    /// Writes `bench/<name>.json` below the target folder and returns its path. Figures of a dev build go to
    /// `<name>-dev.json`, so that they never pass for the others.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, target: &Path) -> Result<PathBuf> {
        let folder = target.join("bench");
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let file = folder.join(format!("{}{}.json", self.name, if RELEASE { "" } else { "-dev" }));
        let text = serde_json::to_string_pretty(&self.figures).context("write the figures as JSON")?;
        std::fs::write(&file, text + "\n").with_context(|| format!("write {}", file.display()))?;
        Ok(file)
    }

    /// Returns the table.
    pub fn table(&self) -> String {
        let mut text = format!("\nbench {}\n", self.name);
        for line in measure::machine() {
            let _ = writeln!(text, "  {line}");
        }
        let _ = writeln!(text, "  daemon: {}", self.program.display());
        if !RELEASE {
            text += "  THIS IS A DEV BUILD: its figures say nothing about the targets\n";
        }
        let _ = writeln!(text, "\n{:<28} {:>10} {:>10} {:>10}      {:>10}", "figure", "median", "min", "max", "target");
        for figure in &self.figures {
            let Figure { name, unit, median, min, max, met, rounds, about, .. } = figure;
            let verdict = if *met { "" } else { "  MISSED" };
            let _ = writeln!(
                text,
                "{name:<28} {:>10} {:>10} {:>10} {unit:<4} {:>10}{verdict:<8}  {about} ({rounds} rounds)",
                short(*median),
                short(*min),
                short(*max),
                figure.promise(),
            );
        }
        text
    }

    /// Returns the page for the repository: machine, versions and every figure.
    pub fn page(&self) -> String {
        let mut text = format!("# bench {}\n\n", self.name);
        for line in measure::machine() {
            let _ = writeln!(text, "- {line}");
        }
        let _ = writeln!(text, "- xylem {}", env!("CARGO_PKG_VERSION"));
        text +=
            "\n| figure | median | min | max | unit | target | | what it is |\n|---|---:|---:|---:|---|---:|---|---|\n";
        for figure in &self.figures {
            let Figure { name, unit, median, min, max, met, about, .. } = figure;
            let verdict = match (figure.target, met) {
                (None, _) => "",
                (_, true) => "met",
                (_, false) => "**missed**",
            };
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {} | {unit} | {} | {verdict} | {about} |",
                short(*median),
                short(*min),
                short(*max),
                figure.promise(),
            );
        }
        text
    }
}

/// Three digits that matter are enough for people.
fn short(value: f64) -> String {
    match value.abs() {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let start = Figure::of("start", "ms", "until ready", &[210.0, 90.5, 120.000_4]).unwrap().at_most(150.0);
        let call = Figure::of("plugin_call", "us", "a call", &[200.0, 300.0]).unwrap().at_most(100.0);
        let pools = Figure::of("rss_pools", "MiB", "with pools", &[40.0]).unwrap();
        Report { name: "smoke", figures: vec![start, call, pools], program: "/xylem".into() }
    }

    #[test]
    fn the_file_has_the_agreed_shape() {
        let folder = tempfile::tempdir().unwrap();
        let file = report().write(folder.path()).unwrap();
        assert_eq!(file.parent(), Some(folder.path().join("bench").as_path()));
        let written: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(
            written,
            serde_json::json!([
                {"name": "start", "unit": "ms", "median": 120.0, "min": 90.5, "max": 210.0, "target": 150.0, "met": true},
                {"name": "plugin_call", "unit": "us", "median": 250.0, "min": 200.0, "max": 300.0, "target": 100.0, "met": false},
                {"name": "rss_pools", "unit": "MiB", "median": 40.0, "min": 40.0, "max": 40.0, "target": null, "met": true},
            ])
        );
    }

    #[test]
    fn the_table_tells_what_is_missed() {
        let table = report().table();
        let missed: Vec<&str> = table.lines().filter(|line| line.contains("MISSED")).collect();
        assert!(missed.len() == 1 && missed[0].starts_with("plugin_call"), "{table}");
    }

    #[test]
    fn a_lower_bound_is_kept_from_below() {
        for (median, met) in [(49.9, false), (50.0, true), (80.0, true)] {
            let figure = Figure::of("share", "%", "", &[median]).unwrap().at_least(50.0);
            assert_eq!(figure.met, met);
            let measured_last = Figure::new("share", "%", "").at_least(50.0).with(&[median]).unwrap();
            assert_eq!(figure, measured_last);
        }
    }

    #[test]
    fn the_page_has_a_line_for_each_figure() {
        let page = report().page();
        assert!(page.contains("| plugin_call | 250 | 200 | 300 | us | <= 100 | **missed** |"), "{page}");
        assert!(page.contains("| rss_pools | 40.0 | 40.0 | 40.0 | MiB | - |  |"), "{page}");
    }

    #[test]
    fn nothing_measured_is_no_figure() {
        assert!(Figure::of("start", "ms", "", &[]).is_err());
        assert!(Figure::of("start", "ms", "", &[f64::NAN]).is_err());
    }
}
