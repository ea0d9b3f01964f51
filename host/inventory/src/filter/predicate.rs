//! The compiled form of a filter: what can be decided before the first object is seen.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::js::{Glob, Needle};
use super::node::{Node, Operator};
use super::regexp::RegExp;
use super::weight::Budget;
use super::{FilterError, js};

/// A question about a value.
#[derive(Clone, Debug)]
pub(super) enum Predicate {
    /// Always so.
    Always,
    And(Box<[Predicate]>),
    Or(Box<[Predicate]>),
    Not(Box<Predicate>),
    Property(Property),
    Leaf(Leaf),
}

/// A question about a property of a value.
#[derive(Clone, Debug)]
pub(super) struct Property {
    pub(super) name: Box<str>,
    pub(super) child: Child,
    /// The answer for a value without this property.
    pub(super) missing: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Child {
    /// Whether JavaScript takes it for true.
    Truthy,
    Predicate(Box<Predicate>),
}

/// A question about one text or number, asked of each element of a list or map too.
#[derive(Clone, Debug)]
pub(super) enum Leaf {
    /// This one is asked of the value itself only.
    Comparison(Operator, f64),
    Text(Needle),
    NumberOrText(f64, Needle),
    Glob(Glob),
    RegExp(RegExp),
}

impl Predicate {
    /// Compiles, as far as `budget` goes; `overrun` will be set when an expression takes too many steps.
    pub(super) fn new(node: &Node, overrun: &Arc<AtomicBool>, budget: &Budget) -> Result<Self, FilterError> {
        let all = |nodes: &[Node]| nodes.iter().map(|node| Self::new(node, overrun, budget)).collect::<Result<_, _>>();
        Ok(match node {
            Node::Null => Self::Always,
            Node::And(children) => Self::And(all(children)?),
            Node::Or(children) => Self::Or(all(children)?),
            Node::Not(child) => Self::Not(Self::new(child, overrun, budget)?.into()),
            Node::Property { name, child } => {
                let child = Self::new(child, overrun, budget)?;
                let missing = child.of_nothing();
                Self::Property(Property { name: name.as_str().into(), child: Child::Predicate(child.into()), missing })
            }
            Node::Truthy(name) => {
                Self::Property(Property { name: name.as_str().into(), child: Child::Truthy, missing: false })
            }
            Node::Comparison(operator, number) => Self::Leaf(Leaf::Comparison(*operator, *number)),
            Node::Text(text) => Self::Leaf(Leaf::Text(Needle::new(text))),
            Node::NumberOrText(text) => Self::Leaf(Leaf::NumberOrText(js::number(text), Needle::new(text))),
            Node::Glob(pattern) => Self::Leaf(Leaf::Glob(Glob::new(pattern))),
            Node::RegExp { source, ignore_case } => {
                Self::Leaf(Leaf::RegExp(RegExp::new(source, *ignore_case, overrun, budget)?))
            }
        })
    }

    /// Returns the answer for `undefined`: what a property that is not there is.
    pub(super) fn of_nothing(&self) -> bool {
        match self {
            Self::Always => true,
            Self::And(children) => children.iter().all(Self::of_nothing),
            Self::Or(children) => children.iter().any(Self::of_nothing),
            Self::Not(child) => !child.of_nothing(),
            Self::Property(_) | Self::Leaf(_) => false,
        }
    }

    /// Returns the terms that must all be true.
    pub(super) fn terms(&self) -> &[Predicate] {
        match self {
            Self::And(children) => children,
            other => std::slice::from_ref(other),
        }
    }
}

impl Leaf {
    pub(super) fn of_text(&self, text: &str) -> bool {
        match self {
            Self::Comparison(operator, right) => operator.holds(js::number(text), *right),
            Self::Text(needle) | Self::NumberOrText(_, needle) => needle.is_in(text),
            Self::Glob(glob) => glob.is_in(text),
            Self::RegExp(regexp) => regexp.is_in(text),
        }
    }

    pub(super) fn of_number(&self, number: f64) -> bool {
        match self {
            Self::Comparison(operator, right) => operator.holds(number, *right),
            Self::NumberOrText(wanted, _) => number == *wanted,
            Self::Text(_) | Self::Glob(_) | Self::RegExp(_) => false,
        }
    }

    /// Returns the answer for a boolean or, as `None`, for null.
    pub(super) fn of_bool(&self, value: Option<bool>) -> bool {
        match self {
            Self::Comparison(operator, right) => operator.holds(f64::from(value.unwrap_or(false)), *right),
            _ => false,
        }
    }
}
