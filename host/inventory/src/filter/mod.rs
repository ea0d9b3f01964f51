//! The filter language of the public API: `type:VM power_state:Running CPUs:number:>=2`.
//!
//! A filter is parsed to a tree ([`Node`]), compiled to a predicate, and asked of objects as they are, without making JSON of
//! them. The language and its corner cases are those of Xen Orchestra's `complex-matcher`: properties are read and
//! values are compared as JavaScript would.

mod ecma;
mod js;
mod json;
mod node;
mod parse;
mod predicate;
mod probe;
mod regexp;
mod scalar;
mod weight;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{Kind, Object};
use serde::Serialize;

pub use node::{Node, Operator};
use predicate::{Child, Predicate};
use weight::Budget;

/// Bytes of a filter: a thousand ids fit.
pub const MAX_LENGTH: usize = 64 << 10;

/// Terms in terms. People write three.
pub const MAX_DEPTH: usize = 100;

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It cannot be read beyond a place, counted in UTF-16 units.
    #[error("parse error: expected end of input at position {position}")]
    Syntax {
        /// Start of the first term that cannot be read.
        position: usize,
    },
    /// What a comparison compares with is no number.
    #[error("value must be a number")]
    NotANumber,
    /// A regular expression is none, or is too large.
    #[error("Invalid regular expression: /{pattern}/: {reason}")]
    RegExp {
        /// The expression.
        pattern: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A regular expression with look-around or back references took too many steps on some text.
    #[error("a regular expression of the filter takes too long")]
    Overrun,
    /// It is longer than [`MAX_LENGTH`].
    #[error("the filter is too long: {MAX_LENGTH} bytes are allowed")]
    TooLong,
    /// Its regular expressions need too much memory and time, all together.
    #[error("the filter is too large: its regular expressions would take too much memory")]
    TooLarge,
    /// It has more terms in terms than [`MAX_DEPTH`].
    #[error("the filter is too deep: {MAX_DEPTH} terms in terms are allowed")]
    TooDeep,
}

/// A filter, ready to be asked. Cloning shares it.
#[derive(Clone)]
pub struct Filter(Arc<Compiled>);

struct Compiled {
    node: Node,
    predicate: Predicate,
    /// By [`Kind::index`]: whether an object of the kind can match at all.
    kinds: Box<[bool]>,
    overrun: Arc<AtomicBool>,
}

impl Filter {
    /// Parses and compiles a filter; the empty one matches everything.
    ///
    /// # Errors
    /// The text is no filter, or too large a one; the error reads as Xen Orchestra's.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let node = parse::parse(text)?;
        let overrun = Arc::default();
        let predicate = Predicate::new(&node, &overrun, &Budget::default())?;
        let kinds = Kind::ALL.iter().map(|kind| may_be(&predicate, *kind)).collect();
        Ok(Self(Arc::new(Compiled { node, predicate, kinds, overrun })))
    }

    /// Returns whether an object matches.
    pub fn matches(&self, object: &Object) -> bool {
        self.0.kinds[object.kind().index()] && probe::ask_object(&self.0.predicate, object)
    }

    /// Returns whether anything else matches: a record, a JSON value.
    pub fn matches_value<T: Serialize + ?Sized>(&self, value: &T) -> bool {
        probe::ask(&self.0.predicate, value)
    }

    /// Returns whether an object of this kind can match at all.
    pub fn may_match(&self, kind: Kind) -> bool {
        self.0.kinds[kind.index()]
    }

    /// Returns an error when answers since the start are not to be trusted, because an expression spent its budget. To be
    /// asked when all objects were.
    ///
    /// # Errors
    /// [`FilterError::Overrun`].
    pub fn check(&self) -> Result<(), FilterError> {
        if self.0.overrun.load(Ordering::Relaxed) { Err(FilterError::Overrun) } else { Ok(()) }
    }

    /// Returns the tree.
    pub fn ast(&self) -> &Node {
        &self.0.node
    }

    /// Returns the canonical text: it parses to the same tree.
    pub fn canonical(&self) -> String {
        self.0.node.to_string()
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({})", self.0.node)
    }
}

/// Returns false when a term about the type rules the kind out.
fn may_be(predicate: &Predicate, kind: Kind) -> bool {
    predicate.terms().iter().all(|term| match term {
        Predicate::Property(property) if &*property.name == "type" => match &property.child {
            Child::Truthy => true,
            Child::Predicate(child) => probe::ask(child, kind.as_str()),
        },
        _ => true,
    })
}
