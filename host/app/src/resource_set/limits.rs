//! How much there is, and how much of it is used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::Failure;

use crate::error::Result;

/// What can be limited; pools of addresses by `ipPool:<id>`.
const RESOURCES: [&str; 6] = ["cpus", "memory", "disk", "disks", "vms", "snapshots"];

/// Longest name of what is limited.
const MAX_NAME: usize = 100;

/// An amount of several things.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts(BTreeMap<String, u64>);

impl Amounts {
    /// Adds a disk of so many bytes.
    pub fn add_disk(&mut self, size: u64) {
        self.add("disk", size);
        self.add("disks", 1);
    }

    /// Returns it without any disks.
    #[must_use]
    pub fn without_disks(mut self) -> Self {
        self.0.retain(|resource, _| !["disk", "disks"].contains(&resource.as_str()));
        self
    }

    /// Returns how much it is more than another, resource by resource.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        let more = self.0.iter().map(|(resource, amount)| {
            (resource.clone(), amount.saturating_sub(other.0.get(resource).copied().unwrap_or_default()))
        });
        Self(more.filter(|(_, amount)| *amount > 0).collect())
    }

    /// Returns whether it is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|amount| *amount == 0)
    }

    /// Adds so much of something.
    pub fn add(&mut self, resource: &str, amount: u64) {
        let sum = self.0.entry(resource.to_owned()).or_default();
        *sum = sum.saturating_add(amount);
    }

    /// Returns the sum of two.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        other.0.iter().for_each(|(resource, amount)| self.add(resource, *amount));
        self
    }
}

impl<const N: usize> From<[(&str, u64); N]> for Amounts {
    fn from(amounts: [(&str, u64); N]) -> Self {
        Self(amounts.into_iter().map(|(resource, amount)| (resource.to_owned(), amount)).collect())
    }
}

/// How much there is of something, and how much is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How much may be used; none = it is only counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How much is.
    #[serde(default)]
    pub usage: u64,
}

/// The limits of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limits(BTreeMap<String, Limit>);

impl Limits {
    /// Sets all totals: what is not given is not limited any more. What is used stays.
    pub(super) fn set(&mut self, totals: &BTreeMap<String, Value>) -> Result<()> {
        let known: Vec<String> = self.0.keys().filter(|name| !totals.contains_key(*name)).cloned().collect();
        for name in known {
            self.set_one(&name, None)?;
        }
        for (name, total) in totals {
            let number = total.get("total").unwrap_or(total);
            let whole =
                number.as_u64().or_else(|| number.as_f64().filter(|n| *n >= 0.0 && *n < 9e15).map(|n| n as u64));
            let wrong =
                || Failure::invalid(format!("limits.{name} must be a number, or an object with the number total"));
            self.set_one(name, Some(whole.ok_or_else(wrong)?))?;
        }
        Ok(())
    }

    /// Sets one total. What is used stays; what is neither limited nor used is forgotten.
    pub(super) fn set_one(&mut self, name: &str, total: Option<u64>) -> Result<()> {
        let is_pool = name.strip_prefix("ipPool:").is_some_and(|id| !id.is_empty() && name.len() <= MAX_NAME);
        if !is_pool && !RESOURCES.contains(&name) {
            let names = RESOURCES.join(", ");
            return Err(
                Failure::invalid(format!("there is no limit {name}: it is one of {names} or ipPool:<id>")).into()
            );
        }
        let limit = self.0.entry(name.to_owned()).or_default();
        limit.total = total;
        if *limit == Limit::default() {
            self.0.remove(name);
        }
        Ok(())
    }

    /// Uses so much, or says of what there is not enough; then nothing is used.
    pub(super) fn take(&mut self, set: &str, amounts: &Amounts, is_forced: bool) -> Result<()> {
        let lacks = |(name, amount): (&String, &u64)| {
            let limit = self.0.get(name).copied().unwrap_or_default();
            let available = limit.total?.saturating_sub(limit.usage);
            (*amount > available).then(
                || json!({ "resourceSet": set, "resourceType": name, "available": available, "requested": amount }),
            )
        };
        let lacking: Vec<Value> = amounts.0.iter().filter_map(lacks).collect();
        if !is_forced && !lacking.is_empty() {
            return Err(Failure::NotEnoughResources { lacking }.into());
        }
        for (name, amount) in &amounts.0 {
            let limit = self.0.entry(name.clone()).or_default();
            limit.usage = limit.usage.saturating_add(*amount);
        }
        Ok(())
    }

    /// Gives so much back.
    pub(super) fn give(&mut self, amounts: &Amounts) {
        for (name, amount) in &amounts.0 {
            if let Some(limit) = self.0.get_mut(name) {
                limit.usage = limit.usage.saturating_sub(*amount);
            }
        }
    }

    /// Says what is used.
    pub(super) fn count(&mut self, used: &Amounts) {
        self.0.values_mut().for_each(|limit| limit.usage = 0);
        for (name, amount) in &used.0 {
            self.0.entry(name.clone()).or_default().usage = *amount;
        }
        self.0.retain(|_, limit| *limit != Limit::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(value: Value) -> Limits {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn totals_change_and_what_is_used_stays() {
        let mut all = limits(json!({ "cpus": { "total": 4, "usage": 3 }, "vms": { "total": 2, "usage": 0 } }));
        let totals = json!({ "cpus": 8, "memory": { "total": 1024.0, "available": 7 } });
        all.set(&serde_json::from_value(totals).unwrap()).unwrap();
        let wanted = json!({ "cpus": { "total": 8, "usage": 3 }, "memory": { "total": 1024, "usage": 0 } });
        assert_eq!(json!(all), wanted);
        all.set_one("cpus", None).unwrap();
        assert_eq!(json!(all)["cpus"], json!({ "usage": 3 }));
        for (name, total) in [("cpu", json!(1)), ("ipPool:", json!(1)), ("vms", json!("1")), ("vms", json!(-1))] {
            let totals = BTreeMap::from([(name.to_owned(), total)]);
            assert!(all.clone().set(&totals).is_err(), "{name} {totals:?}");
        }
        assert!(all.set_one("ipPool:abc", Some(3)).is_ok());
    }

    #[test]
    fn differences_go_one_way() {
        let before = Amounts::from([("cpus", 4), ("memory", 2), ("disk", 1)]);
        let after = Amounts::from([("cpus", 1), ("memory", 5), ("disk", 1), ("disks", 1)]);
        assert_eq!(after.beyond(&before), Amounts::from([("memory", 3), ("disks", 1)]));
        assert_eq!(before.beyond(&after), Amounts::from([("cpus", 3)]));
        assert!(before.beyond(&before).is_empty());
        assert_eq!(after.without_disks(), Amounts::from([("cpus", 1), ("memory", 5)]));
    }

    #[test]
    fn what_is_there_can_be_used_and_no_more() {
        let mut all = limits(json!({ "cpus": { "total": 4, "usage": 3 }, "vms": { "total": 9, "usage": 0 } }));
        let two = Amounts::from([("cpus", 2), ("vms", 1), ("disk", 7)]);
        let refused = all.take("s", &two, false).unwrap_err().failure;
        let lacking = vec![json!({ "resourceSet": "s", "resourceType": "cpus", "available": 1, "requested": 2 })];
        assert_eq!(refused, Failure::NotEnoughResources { lacking });
        assert_eq!(json!(all)["vms"]["usage"], 0, "nothing is taken of what would be there");
        let one = Amounts::from([("cpus", 1), ("vms", 1), ("disk", 7)]);
        all.take("s", &one, false).unwrap();
        assert_eq!(json!(all)["disk"], json!({ "usage": 7 }));
        all.take("s", &two, true).unwrap();
        assert_eq!(json!(all)["cpus"]["usage"], 6);
        all.give(&two);
        all.give(&one);
        assert_eq!(json!(all)["cpus"]["usage"], 3);
        all.count(&Amounts::from([("vms", 5)]));
        assert_eq!(json!(all), json!({ "cpus": { "total": 4, "usage": 0 }, "vms": { "total": 9, "usage": 5 } }));
    }
}
