//! What one host told at one granularity, kept small: the curves of the host and of all its VMs.

use std::collections::HashMap;

use model::Millis;
use xapi::rrd::{Cf, Owner, Updates};

use super::Granularity;

/// The curves of a host and its VMs, all over the same times.
#[derive(Debug)]
pub(super) struct Answer {
    /// Time of the newest point, in seconds since the epoch by the host's clock.
    pub end: i64,
    /// Seconds between two points.
    pub step: u32,
    /// Points of each curve: all that there can be, or none at all.
    pub points: usize,
    /// How many of them, the newest, the host has told.
    known: usize,
    /// When the host was asked, by our clock.
    pub fetched: Millis,
    /// Bytes that it takes, about.
    pub bytes: usize,
    /// By UUID of host or VM; the curves by the name of their source.
    owners: HashMap<Box<str>, Vec<(Box<str>, Curve)>>,
}

/// The values of a curve, oldest first; what is missing is NaN.
#[derive(Debug, PartialEq)]
pub(super) enum Curve {
    /// All alike, as most are: disks at rest, memory that nobody changes, agents that are not there.
    Flat(f64),
    /// One for each point.
    Points(Box<[f64]>),
}

impl Curve {
    fn new(values: Vec<f64>) -> Self {
        match values.first() {
            Some(first) if values.iter().all(|value| value.to_bits() == first.to_bits()) => Self::Flat(*first),
            _ => Self::Points(values.into()),
        }
    }

    fn at(&self, point: usize) -> f64 {
        match self {
            Self::Flat(value) => *value,
            Self::Points(values) => values.get(point).copied().unwrap_or(f64::NAN),
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + if let Self::Points(values) = self { size_of_val(&**values) } else { 0 }
    }
}

impl Answer {
    /// Sorts what a host answered; fails if it is not what was asked for.
    pub fn new(updates: &Updates, granularity: Granularity, fetched: Millis) -> Result<Self, String> {
        let step = granularity.step();
        if updates.step != step {
            return Err(format!("the host has points of {} s instead of {step} s", updates.step));
        }
        let end = updates.times.last().copied().unwrap_or(updates.end);
        // Steps back from the newest point, of each row that is not too old.
        let back = |time: i64| usize::try_from((end - time) / i64::from(step)).ok();
        let back = |time: &i64| back(*time).filter(|back| *back < granularity.points());
        // A row may be missing; the points stay in their places then.
        let known = updates.times.iter().find_map(back).map_or(0, |back| back + 1);
        let points = if known == 0 { 0 } else { granularity.points() };
        let mut answer = Self { end, step, points, known, fetched, bytes: size_of::<Self>(), owners: HashMap::new() };
        for (index, column) in updates.columns.iter().enumerate() {
            if column.cf != Cf::Average || column.owner == Owner::Sr {
                continue;
            }
            let mut values = vec![f64::NAN; known];
            for (time, value) in updates.times.iter().zip(updates.values(index)) {
                if let Some(back) = back(time) {
                    values[known - 1 - back] = value;
                }
            }
            let curve = Curve::new(values);
            answer.bytes += curve.bytes() + size_of::<Box<str>>() + column.source.len();
            answer.owners.entry(column.uuid.clone()).or_default().push((column.source.clone(), curve));
        }
        Ok(answer)
    }

    /// Returns whether there are curves of this host or VM.
    pub fn has(&self, uuid: &str) -> bool {
        self.owners.contains_key(uuid)
    }

    /// Returns the value of one of its curves at a point. What was before the host knew anything is NaN.
    pub fn at(&self, curve: &Curve, point: usize) -> f64 {
        (point + self.known).checked_sub(self.points).map_or(f64::NAN, |point| curve.at(point))
    }

    /// Returns the curves of a host or VM, by the names of their sources.
    pub fn curves(&self, uuid: &str) -> impl Iterator<Item = (&str, &Curve)> {
        self.owners.get(uuid).into_iter().flatten().map(|(source, curve)| (&**source, curve))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Reads an answer in the old, short dialect.
    pub(crate) fn answer(body: &str, granularity: Granularity, fetched: Millis) -> Result<Answer, String> {
        let updates = Updates::parse(body.as_bytes()).map_err(|error| error.to_string())?;
        Answer::new(&updates, granularity, fetched)
    }

    #[test]
    fn points_stand_where_their_time_is() {
        let body = "{meta:{start:0,step:5,end:600,legend:['AVERAGE:host:h:a','AVERAGE:vm:v:b','MAX:vm:v:b','AVERAGE:sr:s:c']},\
            data:[{t:600,values:[3,7,9,1]},{t:590,values:[2,7,9,1]},{t:585,values:[NaN,7,9,1]},{t:0,values:[1,7,9,1]}]}";
        let answer = answer(body, Granularity::Seconds, 1).unwrap();
        assert_eq!((answer.end, answer.points, answer.known), (600, 120, 4));
        let [(name, host)] = answer.curves("h").collect::<Vec<_>>()[..] else { panic!("one curve") };
        let values: Vec<_> = (116..120).map(|point| answer.at(host, point)).collect();
        assert_eq!(name, "a");
        assert!(answer.at(host, 115).is_nan() && answer.at(host, 0).is_nan(), "nothing is known of them");
        // The row of 0 is older than ten minutes, that of 595 is missing.
        assert!(values[0].is_nan() && values[2].is_nan() && values[1] == 2.0 && values[3] == 3.0, "{values:?}");
        let vm: Vec<_> = answer.curves("v").collect();
        assert!(vm.len() == 1 && vm[0].0 == "b" && vm[0].1.at(0) == 7.0, "one function only: {vm:?}");
        assert!(!answer.has("s"));
    }

    #[test]
    fn flat_curves_take_no_room() {
        assert_eq!(Curve::new(vec![f64::NAN; 120]).bytes(), size_of::<Curve>());
        assert_eq!(Curve::new(vec![0.0; 120]), Curve::Flat(0.0));
        assert!(matches!(Curve::new(vec![0.0, 1.0]), Curve::Points(_)));
    }

    #[test]
    fn no_rows_are_no_points_and_another_step_is_refused() {
        let body = "{meta:{start:10,step:60,end:5,legend:['AVERAGE:host:h:a']},data:[]}";
        let empty = answer(body, Granularity::Minutes, 1).unwrap();
        assert_eq!((empty.end, empty.points, empty.has("h")), (5, 0, true));
        assert!(answer(body, Granularity::Seconds, 1).is_err());
    }

    #[test]
    fn a_year_apart_costs_nothing() {
        let body = "{meta:{start:0,step:5,end:600,legend:['AVERAGE:host:h:a']},data:[{t:9007199254740991,values:[1]},{t:-9007199254740991,values:[1]}]}";
        assert_eq!(answer(body, Granularity::Seconds, 1).unwrap().known, 1);
    }
}
