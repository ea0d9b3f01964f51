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
    pub name: &'static str,
    /// "ms", "us", "MiB".
    pub unit: &'static str,
    /// The middle of all rounds: the figure as such.
    pub median: f64,
    /// The best round.
    pub min: f64,
    /// The worst round.
    pub max: f64,
    /// What the median should be at most; none = there is no promise.
    pub target: Option<f64>,
    /// Whether it is; true without a target.
    pub met: bool,
    /// How often it was measured.
    #[serde(skip)]
    pub rounds: usize,
    /// What it is, for people.
    #[serde(skip)]
    pub about: &'static str,
}

impl Figure {
    /// Sums up the rounds of a figure without a target.
    ///
    /// # Errors
    /// When there was no round.
    pub fn of(name: &'static str, unit: &'static str, about: &'static str, rounds: &[f64]) -> Result<Self> {
        ensure!(!rounds.is_empty() && rounds.iter().all(|round| round.is_finite()), "{name} was not measured");
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        // Three decimals: more is noise, and makes files that are compared hard to read.
        let tidy = |value: f64| (value * 1_000.0).round() / 1_000.0;
        let (min, max) = (tidy(sorted[0]), tidy(sorted[sorted.len() - 1]));
        let median = tidy(measure::median(&sorted));
        Ok(Self { name, unit, median, min, max, target: None, met: true, rounds: rounds.len(), about })
    }

    /// Compares the median with a target.
    #[must_use]
    pub fn target(self, target: f64) -> Self {
        Self { target: Some(target), met: self.median <= target, ..self }
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
        let _ = writeln!(text, "\n{:<22} {:>10} {:>10} {:>10}      {:>8}", "figure", "median", "min", "max", "target");
        for figure in &self.figures {
            let Figure { name, unit, median, min, max, target, met, rounds, about } = figure;
            let target = target.map_or("-".to_owned(), short);
            let verdict = if *met { "" } else { "  MISSED" };
            let _ = writeln!(
                text,
                "{name:<22} {:>10} {:>10} {:>10} {unit:<4} {target:>8}{verdict:<8}  {about} ({rounds} rounds)",
                short(*median),
                short(*min),
                short(*max),
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
        let start = Figure::of("start", "ms", "until ready", &[210.0, 90.5, 120.000_4]).unwrap().target(150.0);
        let call = Figure::of("plugin_call", "us", "a call", &[200.0, 300.0]).unwrap().target(100.0);
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
    fn nothing_measured_is_no_figure() {
        assert!(Figure::of("start", "ms", "", &[]).is_err());
        assert!(Figure::of("start", "ms", "", &[f64::NAN]).is_err());
    }
}
