//! Statistics: `/rrd_updates` and the archives, in XML and in both kinds of JSON.

mod curve;
pub mod sources;

use std::fmt::Write;

pub use curve::Cf;
pub use sources::Source;

/// Step in seconds and rows of each archive, finest first.
const ARCHIVES: [(i64, i64); 4] = [(5, 120), (60, 120), (3_600, 168), (86_400, 366)];
/// Seconds between two samples.
const STEP: i64 = 5;

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Up to 15 digits; strings in JSON (since XAPI 23.31).
    New,
    /// Four decimals; JSON without quotes around names, and bare NaN.
    Old,
}

impl Numbers {
    fn text(self, value: f64) -> String {
        match value {
            v if v.is_nan() => "NaN".to_owned(),
            v if v.is_infinite() => if v > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
            v if self == Self::Old => format!("{v:.4}"),
            0.0 => "0.0".to_owned(),
            v => {
                // Fifteen significant digits.
                let digits = 14 - v.abs().log10().floor().clamp(-10.0, 14.0) as i32;
                let text = format!("{v:.*}", usize::try_from(digits).unwrap_or(0));
                match text.contains('.') {
                    true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                    false => text,
                }
            }
        }
    }

    /// A scalar of a JSON answer.
    fn json(self, text: &str) -> String {
        if self == Self::New { format!("\"{text}\"") } else { text.to_owned() }
    }

    /// The name of a JSON member.
    fn name(self, name: &str) -> String {
        if self == Self::New { format!("\"{name}\"") } else { name.to_owned() }
    }
}

/// What `/rrd_updates` is asked for.
#[derive(Clone, Debug)]
pub struct Updates {
    /// UNIX seconds; negative ones count back from now.
    pub start: i64,
    /// Seconds between two rows, at least.
    pub interval: i64,
    /// Time of the host.
    pub now: i64,
    /// What to consolidate each source by.
    pub columns: Vec<(Cf, Source)>,
    pub json: bool,
    pub numbers: Numbers,
}

impl Updates {
    /// The archive: the first that is coarse enough and goes back far enough.
    fn archive(&self, start: i64) -> i64 {
        let fits =
            |&&(step, rows): &&(i64, i64)| step >= self.interval && self.now / step * step - step * rows <= start;
        let coarsest = ARCHIVES[ARCHIVES.len() - 1].0;
        ARCHIVES.iter().find(fits).map_or_else(|| self.interval.min(coarsest).max(coarsest), |(step, _)| *step)
    }

    /// Returns the answer.
    pub fn answer(&self) -> String {
        let start = if self.start < 0 { self.now + self.start } else { self.start };
        let step = self.archive(start);
        let rows = ARCHIVES.iter().find(|(s, _)| *s == step).map_or(0, |(_, rows)| *rows);
        let end = self.now / step * step;
        let first = (start / step + 1) * step;
        // Newest first.
        let times: Vec<i64> = (0..rows).map(|n| end - n * step).take_while(|t| *t >= first).collect();
        let first = times.last().copied().unwrap_or(end);
        let values = |time: i64| {
            self.columns.iter().map(move |(cf, source)| {
                let known = time >= source.since;
                self.numbers.text(if known { source.curve.at(time, step, *cf) } else { f64::NAN })
            })
        };
        let legend = self.columns.iter().map(|(cf, s)| format!("{}:{}:{}:{}", cf.name(), s.kind, s.uuid, s.name));
        let meta = [
            ("start", first),
            ("step", step),
            ("end", end),
            ("rows", times.len() as i64),
            ("columns", self.columns.len() as i64),
        ];
        if self.json { self.as_json(&meta, legend, &times, values) } else { self.as_xml(&meta, legend, &times, values) }
    }

    fn as_json<V: Iterator<Item = String>>(
        &self,
        meta: &[(&str, i64)],
        legend: impl Iterator<Item = String>,
        times: &[i64],
        values: impl Fn(i64) -> V,
    ) -> String {
        let n = self.numbers;
        let meta: Vec<String> =
            meta.iter().map(|(name, v)| format!("{}:{}", n.name(name), n.json(&v.to_string()))).collect();
        let legend: Vec<String> = legend.map(|entry| format!("\"{entry}\"")).collect();
        // The old writer put a space after the first name.
        let gap = if n == Numbers::Old { " " } else { "" };
        let mut out = format!(
            "{{{}:{gap}{{{},{}:[{}]}},{}:[",
            n.name("meta"),
            meta.join(","),
            n.name("legend"),
            legend.join(","),
            n.name("data")
        );
        for (at, time) in times.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let row: Vec<String> = values(*time).map(|v| n.json(&v)).collect();
            // Writing to a string cannot fail.
            let _ = write!(
                out,
                "{comma}{{{}:{},{}:[{}]}}",
                n.name("t"),
                n.json(&time.to_string()),
                n.name("values"),
                row.join(",")
            );
        }
        out.push_str("]}");
        out
    }

    fn as_xml<V: Iterator<Item = String>>(
        &self,
        meta: &[(&str, i64)],
        legend: impl Iterator<Item = String>,
        times: &[i64],
        values: impl Fn(i64) -> V,
    ) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xport><meta>");
        for (name, value) in meta {
            let _ = write!(out, "<{name}>{value}</{name}>");
        }
        out.push_str("<legend>");
        for entry in legend {
            let _ = write!(out, "<entry>{entry}</entry>");
        }
        out.push_str("</legend></meta><data>");
        for time in times {
            let _ = write!(out, "<row><t>{time}</t>");
            for value in values(*time) {
                let _ = write!(out, "<v>{value}</v>");
            }
            out.push_str("</row>");
        }
        out.push_str("</data></xport>");
        out
    }
}

/// Returns the whole archive of one owner: every span for each `cf`, oldest row first.
pub fn archive(sources: &[Source], cfs: &[Cf], now: i64, json: bool, numbers: Numbers) -> String {
    if json { archive_json(sources, cfs, now, numbers) } else { archive_xml(sources, cfs, now, numbers) }
}

fn rows(
    sources: &[Source],
    cf: Cf,
    (step, rows): (i64, i64),
    now: i64,
    numbers: Numbers,
) -> impl Iterator<Item = Vec<String>> {
    let end = now / step * step;
    (0..rows).rev().map(move |back| {
        let time = end - back * step;
        let value = |s: &Source| if time >= s.since { s.curve.at(time, step, cf) } else { f64::NAN };
        sources.iter().map(|s| numbers.text(value(s))).collect()
    })
}

fn archive_xml(sources: &[Source], cfs: &[Cf], now: i64, numbers: Numbers) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rrd><version>0003</version><step>{STEP}</step><lastupdate>{now}</lastupdate>"
    );
    for source in sources {
        let last = numbers.text(source.curve.at(now, STEP, Cf::Average));
        let max = if source.units == "(fraction)" { "1.0" } else { "Infinity" };
        let _ = write!(
            out,
            "<ds><name>{}</name><type>GAUGE</type><minimal_heartbeat>300.0000</minimal_heartbeat><min>0.0</min><max>{max}</max>\
             <last_ds>{last}</last_ds><value>0.0</value><unknown_sec>0</unknown_sec></ds>",
            source.name
        );
    }
    for cf in cfs {
        for span in ARCHIVES {
            let _ = write!(
                out,
                "<rra><cf>{}</cf><pdp_per_row>{}</pdp_per_row><params><xff>0.5</xff></params><cdp_prep>",
                cf.name(),
                span.0 / STEP
            );
            for _ in sources {
                out.push_str(
                    "<ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value><value>0.0</value>\
                     <unknown_datapoints>0</unknown_datapoints></ds>",
                );
            }
            out.push_str("</cdp_prep><database>");
            for row in rows(sources, *cf, span, now, numbers) {
                out.push_str("<row>");
                for value in row {
                    let _ = write!(out, "<v>{value}</v>");
                }
                out.push_str("</row>");
            }
            out.push_str("</database></rra>");
        }
    }
    out.push_str("</rrd>");
    out
}

/// All leaves are strings here, in every release.
fn archive_json(sources: &[Source], cfs: &[Cf], now: i64, numbers: Numbers) -> String {
    let mut ds = Vec::new();
    for source in sources {
        let last = numbers.text(source.curve.at(now, STEP, Cf::Average));
        let max = if source.units == "(fraction)" { "1.0" } else { "Infinity" };
        ds.push(format!(
            "{{\"name\":\"{}\",\"type\":\"GAUGE\",\"minimal_heartbeat\":\"300.0000\",\"min\":\"0.0\",\"max\":\"{max}\",\
             \"last_ds\":\"{last}\",\"value\":\"0.0\",\"unknown_sec\":\"0\"}}",
            source.name
        ));
    }
    let prep = "{\"primary_value\":\"0.0\",\"secondary_value\":\"0.0\",\"value\":\"0.0\",\"unknown_datapoints\":\"0\"}";
    let prep = vec![prep; sources.len()].join(",");
    let mut rra = Vec::new();
    for cf in cfs {
        for span in ARCHIVES {
            let database: Vec<String> = rows(sources, *cf, span, now, numbers)
                .map(|row| format!("[{}]", row.iter().map(|v| format!("\"{v}\"")).collect::<Vec<_>>().join(",")))
                .collect();
            rra.push(format!(
                "{{\"cf\":\"{}\",\"pdp_per_row\":\"{}\",\"params\":{{\"xff\":\"0.5\"}},\"cdp_prep\":{{\"ds\":[{prep}]}},\"database\":[{}]}}",
                cf.name(),
                span.0 / STEP,
                database.join(",")
            ));
        }
    }
    format!(
        "{{\"version\":\"0003\",\"step\":\"{STEP}\",\"lastupdate\":\"{now}\",\"ds\":[{}],\"rra\":[{}]}}",
        ds.join(","),
        rra.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_two_dialects() {
        for (value, new, old) in [
            (0.0, "0.0", "0.0000"),
            (0.0312, "0.0312", "0.0312"),
            (2_147_483_648.0, "2147483648", "2147483648.0000"),
            (f64::NAN, "NaN", "NaN"),
            (f64::NEG_INFINITY, "-Infinity", "-Infinity"),
            (1.0 / 3.0, "0.333333333333333", "0.3333"),
        ] {
            assert_eq!((Numbers::New.text(value).as_str(), Numbers::Old.text(value).as_str()), (new, old));
        }
    }

    #[test]
    fn the_archive_is_fine_enough_and_goes_back_far_enough() {
        let now = 1_787_000_003;
        for (start, interval, step) in [
            (-600, 0, 5),
            (-590, 5, 5),
            (-700, 5, 60),
            (-600, 60, 60),
            (-8_000, 0, 3_600),
            (-600, 3_600, 3_600),
            (-100, 86_400, 86_400),
            (1, 0, 86_400),
        ] {
            let ask = Updates { start, interval, now, columns: Vec::new(), json: true, numbers: Numbers::New };
            let answer: serde_json::Value = serde_json::from_str(&ask.answer()).unwrap();
            assert_eq!(answer["meta"]["step"], step.to_string(), "{start} {interval}");
            let rows = answer["data"].as_array().unwrap();
            assert_eq!(answer["meta"]["rows"], rows.len().to_string());
            let times: Vec<i64> = rows.iter().map(|r| r["t"].as_str().unwrap().parse().unwrap()).collect();
            assert!(times.windows(2).all(|w| w[0] - w[1] == step), "newest first");
            assert!(times.iter().all(|t| t % step == 0 && *t <= now));
        }
    }
}
