//! The daemon's own part of a change's way: from the answer of event.from in hand to the last byte written to the last
//! socket, as the daemon's own histogram tells it.

use anyhow::{Context, Result};
use rig::Rig;

/// The histogram, in seconds.
const METRIC: &str = "xylem_feed_seconds";

/// A cumulative histogram: upper bounds in seconds with counts.
pub struct Own(Vec<(f64, f64)>);

impl Own {
    /// Reads it.
    ///
    /// # Errors
    /// When the daemon has no such metric.
    pub async fn read(rig: &Rig) -> Result<Self> {
        let page = rig.get("/metrics").await?;
        Ok(Self(buckets(&page.text)))
    }

    /// Returns what came after `before`.
    pub fn since(&self, before: &Self) -> Self {
        let earlier = |bound: f64| before.0.iter().find(|(known, _)| *known == bound).map_or(0.0, |(_, count)| *count);
        Self(self.0.iter().map(|&(bound, count)| (bound, count - earlier(bound))).collect())
    }

    /// Returns the upper bound in seconds below which this share of the values lies.
    ///
    /// # Errors
    /// When there is no value.
    pub fn quantile(&self, share: f64) -> Result<f64> {
        let total = self.0.last().map_or(0.0, |(_, count)| *count);
        let found = self.0.iter().find(|(_, count)| total > 0.0 && *count >= total * share);
        found.map(|(bound, _)| *bound).with_context(|| format!("{METRIC} counted nothing"))
    }
}

fn buckets(page: &str) -> Vec<(f64, f64)> {
    let prefix = format!("{METRIC}_bucket{{");
    let lines = page.lines().filter_map(|line| line.strip_prefix(&prefix)?.rsplit_once(' '));
    let mut found: Vec<(f64, f64)> = lines
        .filter_map(|(labels, count)| {
            let bound = labels.split_once("le=\"")?.1.split_once('"')?.0;
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
            Some((bound, count.parse().ok()?))
        })
        .collect();
    found.sort_by(|one, other| one.0.total_cmp(&other.0));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_what_came_between() {
        let page = |counts: [u32; 3]| {
            let [a, b, c] = counts;
            format!(
                "{METRIC}_bucket{{le=\"0.001\"}} {a}\n{METRIC}_bucket{{le=\"0.01\"}} {b}\n{METRIC}_bucket{{le=\"+Inf\"}} {c}\nother 3\n"
            )
        };
        let own = Own(buckets(&page([10, 109, 110]))).since(&Own(buckets(&page([10, 10, 10]))));
        assert!((own.quantile(0.5).unwrap() - 0.01).abs() < 1e-9);
        assert!(own.quantile(1.0).unwrap().is_infinite());
        assert!(Own(buckets("")).quantile(0.5).is_err());
    }
}
