//! What figures are made of: the middle of many, memory that has come to rest, and the machine they are from.

use std::collections::VecDeque;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use rig::Rig;

/// Bytes of a MiB.
const MIB: f64 = 1_048_576.0;

/// How often memory is looked at, and for how many looks it must stay the same: two seconds.
const GLANCE: Duration = Duration::from_millis(200);
const QUIET: usize = 10;

/// Two looks closer than this are the same.
const SAME: f64 = 0.1;

/// A daemon that never rests is measured as it then is.
const LONGEST: Duration = Duration::from_secs(20);

/// Returns the middle of sorted values; of an even number, the middle of the two in the middle.
pub fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 if sorted.is_empty() => f64::NAN,
        0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// Returns a duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Returns a duration in microseconds.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Returns the daemon's resident memory (`VmRSS`, so with the mapped part of its program) in MiB, once it stays the same.
///
/// # Errors
/// When it does not run.
pub async fn rss_at_rest(rig: &Rig) -> Result<f64> {
    let start = Instant::now();
    let mut looks = VecDeque::new();
    loop {
        let now = rig.rss()? as f64 / MIB;
        looks.push_back(now);
        if looks.len() > QUIET {
            looks.pop_front();
            let (low, high) = looks.iter().fold((now, now), |(low, high), &look| (look.min(low), look.max(high)));
            if high - low < SAME || start.elapsed() > LONGEST {
                return Ok(now);
            }
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Returns what one has to know about the machine to compare figures, in lines.
pub fn machine() -> Vec<String> {
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        line.map_or_else(|| "?".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = field(&file("/proc/meminfo"), "MemTotal");
    let memory = memory.split(' ').next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / MIB;
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map_or_else(|_| "?".to_owned(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    let load = file("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ");
    vec![
        format!("machine: {cores} cores ({}), {memory:.1} GiB", field(&file("/proc/cpuinfo"), "model name")),
        format!("system: Linux {}, {rustc}", file("/proc/sys/kernel/osrelease").trim()),
        format!("load average: {load} (what else runs here makes figures worse)"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_many() {
        assert!(median(&[]).is_nan());
        for (values, middle) in [(&[3.0][..], 3.0), (&[1.0, 2.0], 1.5), (&[1.0, 2.0, 9.0], 2.0)] {
            assert!((median(values) - middle).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn the_machine_is_told() {
        let lines = machine().join("\n");
        assert!(lines.contains("cores") && !lines.contains(" 0 cores") && !lines.contains("0.0 GiB"), "{lines}");
    }
}
