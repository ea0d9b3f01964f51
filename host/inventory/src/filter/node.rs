//! The tree of a filter, and its canonical text.

use std::fmt;

use super::js;

/// How a comparison compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Operator {
    /// Returns the sign.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }

    /// Compares; false with NaN, as in JavaScript.
    pub(super) fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
        }
    }
}

/// A filter as a tree. Displaying it gives the canonical text, which parses to the same tree again.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// The empty filter: everything matches.
    Null,
    /// All of these; never fewer than two.
    And(Vec<Node>),
    /// One of these; never fewer than two.
    Or(Vec<Node>),
    /// The opposite.
    Not(Box<Node>),
    /// `name:child`: the property of that name matches.
    Property {
        /// Name of the property.
        name: String,
        /// What its value must match.
        child: Box<Node>,
    },
    /// `name?`: the property has a value that JavaScript takes for true.
    Truthy(String),
    /// `>1`: the value, as a number, compares so.
    Comparison(Operator, f64),
    /// `text`: the value contains the text.
    Text(String),
    /// `12`: the value is this number or contains this text.
    NumberOrText(String),
    /// `we*b`: the value contains something that looks like this.
    Glob(String),
    /// `/x/i`: the value contains a match of the regular expression.
    RegExp {
        /// What stands between the slashes.
        source: String,
        /// Whether the flag `i` is set.
        ignore_case: bool,
    },
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Only the top level stands without parentheses.
            Self::And(children) => terms(f, children),
            other => other.term(f),
        }
    }
}

impl Node {
    fn term(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::And(children) => group(f, "(", children),
            Self::Or(children) => group(f, "|(", children),
            Self::Not(child) => {
                f.write_str("!")?;
                child.term(f)
            }
            Self::Property { name, child } => {
                quoted(f, name)?;
                f.write_str(":")?;
                child.term(f)
            }
            Self::Truthy(name) => {
                quoted(f, name)?;
                f.write_str("?")
            }
            Self::Comparison(operator, number) => write!(f, "{}{}", operator.as_str(), js::number_text(*number)),
            Self::Text(text) => quoted(f, text),
            Self::NumberOrText(text) | Self::Glob(text) => f.write_str(text),
            Self::RegExp { source, ignore_case } => write!(f, "/{source}/{}", if *ignore_case { "i" } else { "" }),
        }
    }
}

fn group(f: &mut fmt::Formatter<'_>, open: &str, children: &[Node]) -> fmt::Result {
    f.write_str(open)?;
    terms(f, children)?;
    f.write_str(")")
}

fn terms(f: &mut fmt::Formatter<'_>, children: &[Node]) -> fmt::Result {
    for (index, child) in children.iter().enumerate() {
        if index > 0 {
            f.write_str(" ")?;
        }
        child.term(f)?;
    }
    Ok(())
}

/// Writes a name or a text so that it reads as one again: plain where that is possible.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if !text.is_empty() && text.chars().all(js::is_raw) && js::number(text).is_nan() {
        return f.write_str(text);
    }
    f.write_str("\"")?;
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{char}")?;
    }
    f.write_str("\"")
}
