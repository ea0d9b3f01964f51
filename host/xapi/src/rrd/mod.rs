//! Statistics of hosts and VMs: what `/rrd_updates` and the archives (`/host_rrd`, `/vm_rrd`) answer, in every dialect.
//!
//! An answer is XML, JSON, or (before XAPI 23.31) JSON in which names have no quotes and `NaN` stands bare; since 23.31
//! all numbers are strings. The first character tells XML from JSON, and one lenient reader takes all dialects of JSON.
//!
//! What is read takes memory in proportion to the bytes that were sent, at most about eight times as much: no number in
//! an answer (`rows`, `columns`, `pdp_per_row`) makes us reserve anything. Shapes: <https://xapi-project.github.io/> "RRDs".

mod json;
mod lexer;
#[cfg(test)]
mod tests;
mod xml;

use std::str::FromStr;

/// Why an answer could not be read; holds no piece of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed statistics: {0}")]
pub struct Malformed(String);

/// How the values of a span became one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cf {
    /// Their mean.
    Average,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The newest.
    Last,
}

/// What a curve is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A host.
    Host,
    /// A VM.
    Vm,
    /// A storage repository.
    Sr,
}

/// An entry of a legend, such as `AVERAGE:vm:<uuid>:memory`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// How values were consolidated.
    pub cf: Cf,
    /// Type of what it is about.
    pub owner: Owner,
    /// UUID of what it is about.
    pub uuid: Box<str>,
    /// The name of the source, such as `cpu0`.
    pub source: Box<str>,
}

/// An answer of `/rrd_updates`: one value for each time and column. What is missing is NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Updates {
    /// First consolidated time after the one that was asked for; seconds since the epoch by the host's clock.
    pub start: i64,
    /// Newest time, as `start`.
    pub end: i64,
    /// Seconds between two rows; not 0.
    pub step: u32,
    /// The columns.
    pub columns: Vec<Column>,
    /// The times of the rows, strictly rising.
    pub times: Vec<i64>,
    /// Row after row, oldest first; a row has one value for each column.
    values: Vec<f64>,
}

/// A whole round-robin database, of a host or of a VM.
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    /// Seconds between two measurements; not 0.
    pub step: u32,
    /// When it was last written, in seconds since the epoch by the host's clock.
    pub last_update: i64,
    /// What is measured.
    pub sources: Vec<Source>,
    /// The curves, one ring for each function and span.
    pub rings: Vec<Ring>,
}

/// Something that is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its name, such as `cpu0`.
    pub name: Box<str>,
    /// `GAUGE`, `DERIVE` or `ABSOLUTE`.
    pub kind: Box<str>,
    /// The smallest value that counts; may be infinite.
    pub min: f64,
    /// The largest value that counts; may be infinite.
    pub max: f64,
}

/// Consolidated values of all sources of an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    /// How values were consolidated.
    pub cf: Cf,
    /// Seconds between two rows; not 0.
    pub step: u64,
    /// Row after row, oldest first; a row has one value for each source.
    values: Vec<f64>,
}

impl Updates {
    /// Reads an answer of `/rrd_updates`.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let raw = match text(body)? {
            Body::Xml(text) => xml::updates(text),
            Body::Json(text) => json::updates(text),
        };
        raw?.finish()
    }

    /// Returns the values of a column, oldest first; none at all for a column that is not there.
    pub fn values(&self, column: usize) -> impl Iterator<Item = f64> + '_ {
        column_of(&self.values, self.columns.len(), column)
    }
}

impl Archive {
    /// Reads an answer of `/host_rrd` or `/vm_rrd`.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let raw = match text(body)? {
            Body::Xml(text) => xml::archive(text),
            Body::Json(text) => json::archive(text),
        };
        raw?.finish()
    }

    /// Returns the values of a source, oldest first, and the time of the newest; `None` if there is no such curve.
    pub fn curve(&self, source: &str, cf: Cf, step: u64) -> Option<(i64, Vec<f64>)> {
        let column = self.sources.iter().position(|known| &*known.name == source)?;
        let ring = self.rings.iter().find(|ring| ring.cf == cf && ring.step == step)?;
        let step = i64::try_from(step).ok()?;
        let end = self.last_update - self.last_update.rem_euclid(step);
        Some((end, column_of(&ring.values, self.sources.len(), column).collect()))
    }
}

impl FromStr for Column {
    type Err = Malformed;

    fn from_str(entry: &str) -> Result<Self, Malformed> {
        let wrong = || Malformed("an entry of the legend that is not function:type:uuid:source".to_owned());
        let mut parts = entry.splitn(4, ':');
        let mut part = || parts.next().filter(|part| !part.is_empty()).ok_or_else(wrong);
        let cf = part()?.parse()?;
        let owner = match part()? {
            "host" => Owner::Host,
            "vm" => Owner::Vm,
            "sr" => Owner::Sr,
            _ => return Err(wrong()),
        };
        Ok(Self { cf, owner, uuid: part()?.into(), source: part()?.into() })
    }
}

impl FromStr for Cf {
    type Err = Malformed;

    fn from_str(name: &str) -> Result<Self, Malformed> {
        match name {
            "AVERAGE" => Ok(Self::Average),
            "MIN" => Ok(Self::Min),
            "MAX" => Ok(Self::Max),
            "LAST" => Ok(Self::Last),
            _ => Err(Malformed("an unknown consolidation function".to_owned())),
        }
    }
}

/// Returns every `width`th value from `column` on.
fn column_of(values: &[f64], width: usize, column: usize) -> impl Iterator<Item = f64> + '_ {
    let from = if column < width { column } else { values.len() };
    values.iter().skip(from).step_by(width.max(1)).copied()
}

enum Body<'a> {
    Xml(&'a str),
    Json(&'a str),
}

fn text(body: &[u8]) -> Result<Body<'_>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|error| at("not UTF-8", error.valid_up_to()))?;
    let text = text.trim_start_matches('\u{feff}').trim_ascii_start();
    Ok(if text.starts_with('<') { Body::Xml(text) } else { Body::Json(text) })
}

/// Returns the error with its position.
fn at(problem: &str, byte: impl std::fmt::Display) -> Malformed {
    Malformed(format!("{problem} at byte {byte}"))
}

/// `Updates` while they are read: members may come in any order.
#[derive(Default)]
struct RawUpdates {
    start: Option<i64>,
    end: Option<i64>,
    step: Option<u32>,
    columns: Vec<Column>,
    rows: Rows,
    times: Vec<i64>,
}

impl RawUpdates {
    fn finish(self) -> Result<Updates, Malformed> {
        let Self { start, end, step, columns, rows, mut times } = self;
        let missing = |name: &str| Malformed(format!("no {name}"));
        let step = step.ok_or_else(|| missing("step"))?;
        let mut values = rows.finish(columns.len())?;
        // XAPI sends the newest first.
        if times.first() > times.last() {
            times.reverse();
            // No columns: no values, whatever the size of a piece.
            values = values.rchunks(columns.len().max(1)).flatten().copied().collect();
        }
        if times.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Malformed("rows in disorder".to_owned()));
        }
        // A host that was just started has no rows, and old hosts leave the ends out then.
        let start = start.or_else(|| times.first().copied()).ok_or_else(|| missing("start"))?;
        let end = end.or_else(|| times.last().copied()).ok_or_else(|| missing("end"))?;
        Ok(Updates { start, end, step, columns, times, values })
    }
}

/// `Archive` while it is read.
#[derive(Default)]
struct RawArchive {
    step: Option<u32>,
    last_update: Option<i64>,
    sources: Vec<Source>,
    rings: Vec<RawRing>,
}

#[derive(Default)]
struct RawRing {
    cf: Option<Cf>,
    per_row: Option<u32>,
    rows: Rows,
}

impl RawArchive {
    fn finish(self) -> Result<Archive, Malformed> {
        let missing = |name: &str| Malformed(format!("no {name}"));
        let step = self.step.ok_or_else(|| missing("step"))?;
        let mut rings = Vec::new();
        for ring in self.rings {
            let per_row = ring.per_row.ok_or_else(|| missing("pdp_per_row"))?;
            rings.push(Ring {
                cf: ring.cf.ok_or_else(|| missing("cf"))?,
                step: u64::from(step) * u64::from(per_row),
                values: ring.rows.finish(self.sources.len())?,
            });
        }
        let last_update = self.last_update.ok_or_else(|| missing("lastupdate"))?;
        Ok(Archive { step, last_update, sources: self.sources, rings })
    }
}

/// `Source` while it is read.
#[derive(Default)]
struct RawSource {
    name: Box<str>,
    kind: Box<str>,
    min: Option<f64>,
    max: Option<f64>,
}

impl RawSource {
    fn finish(self) -> Result<Source, Malformed> {
        if self.name.is_empty() {
            return Err(Malformed("a source without a name".to_owned()));
        }
        let (min, max) = (self.min.unwrap_or(f64::NEG_INFINITY), self.max.unwrap_or(f64::INFINITY));
        Ok(Source { name: self.name, kind: self.kind, min, max })
    }
}

/// Rows of values, each as long as the first.
#[derive(Default)]
struct Rows {
    values: Vec<f64>,
    count: usize,
    /// Length of each row, known after the first.
    width: usize,
}

impl Rows {
    fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    /// Ends a row.
    fn end(&mut self) -> Result<(), Malformed> {
        if self.count == 0 {
            self.width = self.values.len();
        }
        self.count += 1;
        // Neither overflows: a row costs at least a byte of the answer, and its values were really there.
        if self.values.len() != self.width * self.count {
            return Err(Malformed(format!("row {} is not as long as the first", self.count)));
        }
        Ok(())
    }

    fn finish(mut self, width: usize) -> Result<Vec<f64>, Malformed> {
        if self.count > 0 && self.width != width {
            return Err(Malformed(format!("rows of {} values for {width} columns", self.width)));
        }
        self.values.shrink_to_fit();
        Ok(self.values)
    }
}

/// Reads a value: NaN in any spelling, nothing and `null` are NaN.
fn number(text: &str) -> Option<f64> {
    match text.trim_ascii() {
        "" | "null" => Some(f64::NAN),
        text => text.parse().ok(),
    }
}

/// Reads a time: whole seconds, a fraction is cut off.
fn seconds(text: &str) -> Option<i64> {
    /// 2^53: from here on doubles are no longer exact, and the sun is gone.
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    let number: f64 = text.trim_ascii().parse().ok()?;
    // The range was checked, so nothing but the fraction is cut off.
    #[allow(clippy::cast_possible_truncation)]
    (number.abs() < LIMIT).then(|| number.floor() as i64)
}

/// Reads a number of seconds or of steps: at least one, at most those of a leap year.
fn steps(text: &str) -> Option<u32> {
    const YEAR: i64 = 366 * 86_400;
    seconds(text).filter(|steps| (1..=YEAR).contains(steps)).and_then(|steps| u32::try_from(steps).ok())
}
