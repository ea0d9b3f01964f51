//! The public shape of statistics: names and units as in Xen Orchestra, made from the hosts' sources.
//!
//! Percentages, bytes, bytes per second, milliseconds. What is not a number is null.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Text;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::answer::{Answer, Curve};

/// What a host's values have to be multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    /// Nothing: bytes, operations, counts.
    Same,
    /// A fraction becomes a percentage.
    Percent,
    /// KiB become bytes.
    Kibi,
    /// MiB become bytes.
    Mebi,
    /// Microseconds become milliseconds.
    Milli,
}

impl Unit {
    fn apply(self, value: f64) -> f64 {
        match self {
            Self::Same => value,
            Self::Percent => value * 100.0,
            Self::Kibi => value * 1024.0,
            Self::Mebi => value * 1_048_576.0,
            Self::Milli => value / 1000.0,
        }
    }
}

/// From the name of a source to a place in the answer. In the name, `#` is a number, `@` the letters of a disk, `$` the
/// beginning of a UUID; in the place, `*` is what stood there.
type Rule = (&'static str, &'static [&'static str], Unit);

/// The sources of a host that are told.
const HOST: &[Rule] = &[
    ("loadavg", &["load"], Unit::Same),
    ("hostload", &["hostload"], Unit::Same),
    ("running_vcpus", &["runningVcpus"], Unit::Same),
    ("memory_total_kib", &["memory"], Unit::Kibi),
    ("memory_free_kib", &["memoryFree"], Unit::Kibi),
    ("memory_reclaimed", &["memoryReclaimed"], Unit::Same),
    ("memory_reclaimed_max", &["memoryReclaimedMax"], Unit::Same),
    ("cpu#", &["cpus", "*"], Unit::Percent),
    ("pif_eth#_rx", &["pifs", "rx", "*"], Unit::Same),
    ("pif_eth#_tx", &["pifs", "tx", "*"], Unit::Same),
    ("pif_aggr_rx", &["pifsAggr", "rx"], Unit::Same),
    ("pif_aggr_tx", &["pifsAggr", "tx"], Unit::Same),
    ("iops_read_$", &["iops", "r", "*"], Unit::Same),
    ("iops_write_$", &["iops", "w", "*"], Unit::Same),
    ("iops_total_$", &["iops", "total", "*"], Unit::Same),
    ("io_throughput_read_$", &["ioThroughput", "r", "*"], Unit::Mebi),
    ("io_throughput_write_$", &["ioThroughput", "w", "*"], Unit::Mebi),
    ("io_throughput_total_$", &["ioThroughput", "total", "*"], Unit::Mebi),
    ("read_latency_$", &["latency", "r", "*"], Unit::Milli),
    ("write_latency_$", &["latency", "w", "*"], Unit::Milli),
    ("latency_$", &["latency", "total", "*"], Unit::Milli),
    ("iowait_$", &["iowait", "*"], Unit::Same),
];

/// The sources of a VM that are told.
const VM: &[Rule] = &[
    ("cpu#", &["cpus", "*"], Unit::Percent),
    ("cpu_usage", &["cpuUsage"], Unit::Percent),
    ("memory", &["memory"], Unit::Same),
    ("memory_internal_free", &["memoryFree"], Unit::Kibi),
    ("memory_target", &["memoryTarget"], Unit::Same),
    ("runstate_fullrun", &["runstateFullrun"], Unit::Percent),
    ("runstate_full_contention", &["runstateFullContention"], Unit::Percent),
    ("runstate_partial_run", &["runstatePartialRun"], Unit::Percent),
    ("runstate_partial_contention", &["runstatePartialContention"], Unit::Percent),
    ("runstate_concurrency_hazard", &["runstateConcurrencyHazard"], Unit::Percent),
    ("runstate_blocked", &["runstateBlocked"], Unit::Percent),
    ("vif_#_rx", &["vifs", "rx", "*"], Unit::Same),
    ("vif_#_tx", &["vifs", "tx", "*"], Unit::Same),
    ("vif_#_rx_errors", &["vifErrors", "rx", "*"], Unit::Same),
    ("vif_#_tx_errors", &["vifErrors", "tx", "*"], Unit::Same),
    ("vbd_xvd@_read", &["xvds", "r", "*"], Unit::Same),
    ("vbd_xvd@_write", &["xvds", "w", "*"], Unit::Same),
    ("vbd_xvd@_iops_read", &["iops", "r", "*"], Unit::Same),
    ("vbd_xvd@_iops_write", &["iops", "w", "*"], Unit::Same),
    ("vbd_xvd@_iops_total", &["iops", "total", "*"], Unit::Same),
    ("vbd_xvd@_io_throughput_read", &["ioThroughput", "r", "*"], Unit::Mebi),
    ("vbd_xvd@_io_throughput_write", &["ioThroughput", "w", "*"], Unit::Mebi),
    ("vbd_xvd@_io_throughput_total", &["ioThroughput", "total", "*"], Unit::Mebi),
    ("vbd_xvd@_read_latency", &["vbdLatency", "r", "*"], Unit::Milli),
    ("vbd_xvd@_write_latency", &["vbdLatency", "w", "*"], Unit::Milli),
    ("vbd_xvd@_latency", &["vbdLatency", "total", "*"], Unit::Milli),
    ("vbd_xvd@_iowait", &["vbdIowait", "*"], Unit::Same),
    ("vbd_xvd@_inflight", &["vbdInflight", "*"], Unit::Same),
    ("vbd_xvd@_avgqu_sz", &["vbdAvgquSz", "*"], Unit::Same),
];

/// Returns what stands in the place of `#`, `@` or `$` (nothing, if the pattern has none of them), if the name fits.
fn fits<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let Some(at) = pattern.find(['#', '@', '$']) else { return (pattern == name).then_some("") };
    let part = name.strip_prefix(&pattern[..at])?.strip_suffix(&pattern[at + 1..])?;
    let good = |byte: u8| match pattern.as_bytes()[at] {
        b'#' => byte.is_ascii_digit(),
        b'@' => byte.is_ascii_lowercase(),
        _ => byte.is_ascii_alphanumeric() || byte == b'-',
    };
    (!part.is_empty() && part.bytes().all(good)).then_some(part)
}

/// What curves are of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    Host,
    Vm,
}

/// The curves of one host or VM in their public shape: `{endTimestamp, interval, localTimestamp, stats}`.
#[derive(Debug)]
pub struct Stats {
    answer: Arc<Answer>,
    uuid: Box<str>,
    of: Of,
}

impl Stats {
    pub(super) fn of_host(answer: Arc<Answer>, uuid: &str) -> Self {
        Self { answer, uuid: uuid.into(), of: Of::Host }
    }

    pub(super) fn of_vm(answer: Arc<Answer>, uuid: &str) -> Self {
        Self { answer, uuid: uuid.into(), of: Of::Vm }
    }

    fn tree(&self) -> Tree<'_> {
        let rules = match self.of {
            Of::Host => HOST,
            Of::Vm => VM,
        };
        let mut tree = Tree::default();
        for (source, curve) in self.answer.curves(&self.uuid) {
            let found = rules.iter().find_map(|rule| Some((rule, fits(rule.0, source)?)));
            if let Some(((_, place, unit), part)) = found {
                let place = place.iter().map(|step| if *step == "*" { part } else { *step });
                tree.put(place, Node::Curve(&self.answer, curve, *unit));
            }
        }
        derive(&mut tree, self.of);
        tree
    }
}

impl Serialize for Stats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("endTimestamp", &self.answer.end)?;
        map.serialize_entry("interval", &self.answer.step)?;
        map.serialize_entry("localTimestamp", &(self.answer.fetched / 1_000))?;
        map.serialize_entry("stats", &self.tree())?;
        map.end()
    }
}

/// Adds what a host has not told but can be told from the rest: releases differ in what they measure.
fn derive(tree: &mut Tree<'_>, of: Of) {
    for name in ["iops", "ioThroughput"] {
        let Some(Node::Branch(group)) = tree.0.get_mut(name) else { continue };
        let (Some(Node::Branch(reads)), Some(Node::Branch(writes))) = (group.0.get("r"), group.0.get("w")) else {
            continue;
        };
        let mut totals = Tree::default();
        for (disk, read) in &reads.0 {
            if let Some(write) = writes.0.get(disk) {
                totals.0.insert(disk, together(&[read, write], sum));
            }
        }
        for (disk, total) in totals.0 {
            if let Node::Branch(known) = group.0.entry("total").or_insert_with(|| Node::Branch(Tree::default())) {
                known.0.entry(disk).or_insert(total);
            }
        }
    }
    if of == Of::Vm
        && !tree.0.contains_key("cpuUsage")
        && let Some(Node::Branch(cpus)) = tree.0.get("cpus")
    {
        let usage = together(&cpus.0.values().collect::<Vec<_>>(), mean);
        tree.0.insert("cpuUsage", usage);
    }
}

/// Curves by name, or more such trees.
#[derive(Default)]
struct Tree<'a>(BTreeMap<&'a str, Node<'a>>);

enum Node<'a> {
    /// As the host told it, and in which unit.
    Curve(&'a Answer, &'a Curve, Unit),
    /// Made by us.
    Values(Vec<f64>),
    Branch(Tree<'a>),
}

impl<'a> Tree<'a> {
    fn put(&mut self, mut place: impl Iterator<Item = &'a str>, curve: Node<'a>) {
        let Some(mut name) = place.next() else { return };
        let mut tree = self;
        for next in place {
            let branch = tree.0.entry(name).or_insert_with(|| Node::Branch(Tree::default()));
            // The places of the rules above never run into each other.
            let Node::Branch(inner) = branch else { return };
            (tree, name) = (inner, next);
        }
        tree.0.insert(name, curve);
    }
}

impl Node<'_> {
    fn values(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match self {
            Self::Curve(answer, curve, unit) => {
                Box::new((0..answer.points).map(|point| unit.apply(answer.at(curve, point))))
            }
            Self::Values(values) => Box::new(values.iter().copied()),
            Self::Branch(_) => Box::new(std::iter::empty()),
        }
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Branch(tree) = self {
            return tree.serialize(serializer);
        }
        let mut list = serializer.serialize_seq(None)?;
        for value in self.values() {
            // NaN and the infinities become null.
            list.serialize_element(&value)?;
        }
        list.end()
    }
}

/// Makes one curve of several that are equally long.
fn together<'a>(curves: &[&Node<'_>], how: fn(&[f64]) -> f64) -> Node<'a> {
    let mut curves: Vec<_> = curves.iter().map(|curve| curve.values()).collect();
    let mut values = Vec::new();
    loop {
        let point: Vec<f64> = curves.iter_mut().filter_map(Iterator::next).collect();
        if point.is_empty() {
            return Node::Values(values);
        }
        values.push(how(&point));
    }
}

/// Returns the sum of what is known; NaN if nothing is.
fn sum(values: &[f64]) -> f64 {
    values.iter().copied().filter(|value| !value.is_nan()).reduce(|sum, value| sum + value).unwrap_or(f64::NAN)
}

/// Returns the mean of what is known; NaN if nothing is.
fn mean(values: &[f64]) -> f64 {
    sum(values) / values.iter().filter(|value| !value.is_nan()).count() as f64
}

/// The curves of a storage repository: `{endTimestamp, interval, localTimestamp, stats: {iops, ioThroughput, latency,
/// iowait}}`; the last by name of the host.
#[derive(Debug)]
pub struct SrStats {
    /// Name and UUID of each host, and what it told.
    hosts: Vec<(Text, String, Arc<Answer>)>,
    /// How its curves are marked: the first eight digits of its UUID.
    mark: Box<str>,
}

impl SrStats {
    /// Takes together what the hosts told; `None` without hosts.
    pub(super) fn new(hosts: Vec<(Text, String, Arc<Answer>)>, uuid: &str) -> Option<Self> {
        let mark = uuid.get(..8).unwrap_or(uuid).into();
        (!hosts.is_empty()).then_some(Self { hosts, mark })
    }

    /// Returns the curve of this source, over all hosts: the same point of time of each, taken together.
    fn over_hosts(&self, source: &str, unit: Unit, how: fn(&[f64]) -> f64) -> Node<'_> {
        let (end, points) = (self.end(), self.points());
        let name = format!("{source}_{}", self.mark);
        let curves = self.hosts.iter().filter_map(|(_, uuid, answer)| {
            let (_, curve) = answer.curves(uuid).find(|(source, _)| *source == name)?;
            Some((curve, answer, late(answer, end)?))
        });
        let curves: Vec<_> = curves.collect();
        if curves.is_empty() {
            return Node::Values(Vec::new());
        }
        let at = |point: usize| {
            let values = curves.iter().map(|(curve, answer, late)| {
                // The last point of all is `late` points before the host's own last.
                point.checked_sub(*late).map_or(f64::NAN, |own| answer.at(curve, own))
            });
            unit.apply(how(&values.collect::<Vec<_>>()))
        };
        Node::Values((0..points).map(at).collect())
    }

    /// Returns the newest time that all hosts have told about.
    fn end(&self) -> i64 {
        self.hosts.iter().map(|(_, _, answer)| answer.end).min().unwrap_or_default()
    }

    fn points(&self) -> usize {
        self.hosts.iter().map(|(_, _, answer)| answer.points).max().unwrap_or_default()
    }
}

/// Returns how many points before a host's last one `end` is.
fn late(answer: &Answer, end: i64) -> Option<usize> {
    usize::try_from((answer.end - end) / i64::from(answer.step)).ok()
}

impl Serialize for SrStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut stats = Tree::default();
        for (name, sources, unit, how) in [
            ("iops", ["iops_read", "iops_write"], Unit::Same, sum as fn(&[f64]) -> f64),
            ("ioThroughput", ["io_throughput_read", "io_throughput_write"], Unit::Mebi, sum),
            ("latency", ["read_latency", "write_latency"], Unit::Milli, mean),
        ] {
            for (way, source) in ["r", "w"].into_iter().zip(sources) {
                stats.put([name, way].into_iter(), self.over_hosts(source, unit, how));
            }
        }
        let iowait = format!("iowait_{}", self.mark);
        for (host, uuid, answer) in &self.hosts {
            if let Some((_, curve)) = answer.curves(uuid).find(|(source, _)| *source == iowait) {
                stats.put(["iowait", &**host].into_iter(), Node::Curve(answer, curve, Unit::Same));
            }
        }
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("endTimestamp", &self.end())?;
        map.serialize_entry("interval", &self.hosts.first().map(|(_, _, answer)| answer.step))?;
        let asked = self.hosts.iter().map(|(_, _, answer)| answer.fetched / 1_000).min();
        map.serialize_entry("localTimestamp", &asked)?;
        map.serialize_entry("stats", &stats)?;
        map.end()
    }
}

#[cfg(test)]
mod tests;
