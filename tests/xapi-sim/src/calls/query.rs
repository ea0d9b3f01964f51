//! The filter of get_all_where and get_all_records_where: equality on the database's text form, joined by and, or, not.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    failure::{Failure, fail},
    model::{Class, Record},
};

/// A parsed filter.
#[derive(Debug, PartialEq)]
pub enum Filter {
    Const(bool),
    Equal(Side, Side),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
}

/// One side of an equality.
#[derive(Debug, PartialEq)]
pub enum Side {
    /// A database column: path joined by double underscores, `_ref` for the reference.
    Field(String),
    Text(String),
}

/// Reads a filter.
pub fn parse(text: &str) -> Result<Filter, Failure> {
    let bad = |what: &str| fail("INVALID_VALUE", [text, what]);
    let tokens = tokens(text).ok_or_else(|| bad("unexpected character"))?;
    let mut rest = tokens.as_slice();
    let filter = expression(&mut rest).ok_or_else(|| bad("parse error"))?;
    if rest.is_empty() { Ok(filter) } else { Err(bad("parse error")) }
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let end;
        match c {
            '"' => {
                let close = rest[1..].find('"')? + 1;
                out.push(Token::Text(rest[1..close].to_owned()));
                end = close + 1;
            }
            '=' | '(' | ')' => {
                out.push(Token::Sign(c));
                end = 1;
            }
            c if c.is_ascii_alphabetic() => {
                end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
                out.push(Token::Word(rest[..end].to_owned()));
            }
            _ => return None,
        }
        rest = rest[end..].trim_start();
    }
    Some(out)
}

/// `and` and `or` bind equally and to the right.
fn expression(rest: &mut &[Token]) -> Option<Filter> {
    let left = Box::new(unary(rest)?);
    let Some(Token::Word(word)) = rest.first() else { return Some(*left) };
    match word.as_str() {
        "and" | "or" => {
            let and = word == "and";
            *rest = &rest[1..];
            let right = Box::new(expression(rest)?);
            Some(if and { Filter::And(left, right) } else { Filter::Or(left, right) })
        }
        _ => None,
    }
}

fn unary(rest: &mut &[Token]) -> Option<Filter> {
    let (first, more) = rest.split_first()?;
    match first {
        Token::Word(w) if w == "not" => {
            *rest = more;
            Some(Filter::Not(Box::new(unary(rest)?)))
        }
        Token::Word(w) if w == "true" || w == "false" => {
            *rest = more;
            Some(Filter::Const(w == "true"))
        }
        Token::Sign('(') => {
            *rest = more;
            let inner = expression(rest)?;
            let (close, more) = rest.split_first()?;
            *rest = more;
            (*close == Token::Sign(')')).then_some(inner)
        }
        _ => {
            let left = side(rest)?;
            let (sign, more) = rest.split_first()?;
            *rest = more;
            if *sign != Token::Sign('=') {
                return None;
            }
            Some(Filter::Equal(left, side(rest)?))
        }
    }
}

fn side(rest: &mut &[Token]) -> Option<Side> {
    match *rest {
        [Token::Word(w), Token::Text(name), more @ ..] if w == "field" => {
            *rest = more;
            Some(Side::Field(name.clone()))
        }
        [Token::Text(text), more @ ..] => {
            *rest = more;
            Some(Side::Text(text.clone()))
        }
        _ => None,
    }
}

impl Filter {
    /// Does the object pass?
    pub fn matches(&self, class: &Class, reference: &str, record: &Record) -> Result<bool, Failure> {
        Ok(match self {
            Self::Const(value) => *value,
            Self::Not(inner) => !inner.matches(class, reference, record)?,
            Self::And(a, b) => a.matches(class, reference, record)? && b.matches(class, reference, record)?,
            Self::Or(a, b) => a.matches(class, reference, record)? || b.matches(class, reference, record)?,
            Self::Equal(a, b) => a.text(class, reference, record)? == b.text(class, reference, record)?,
        })
    }
}

impl Side {
    fn text<'a>(&'a self, class: &Class, reference: &'a str, record: &'a Record) -> Result<Cow<'a, str>, Failure> {
        match self {
            Self::Text(text) => Ok(text.into()),
            Self::Field(column) if column == "_ref" => Ok(reference.into()),
            Self::Field(column) => {
                // Wire names are not columns: the commonest mistake must fail here too.
                let known = !column.starts_with("name_l") && !column.starts_with("name_d");
                let field = column.replace("__", "_");
                let value = record.get(&field).filter(|_| known);
                let missing = || fail("INTERNAL_ERROR", [&format!("no column {column} in {}", class.name)]);
                value.map(|v| database_text(v).into()).ok_or_else(missing)
            }
        }
    }
}

/// The text the database keeps: sets `('a' 'b')`, maps `(('k' 'v'))`.
pub fn database_text(value: &Value) -> String {
    let quoted = |text: String| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    match value {
        Value::Null => String::new(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::String(s) => s.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|v| quoted(database_text(v))).collect();
            format!("({})", items.join(" "))
        }
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(k, v)| format!("({} {})", quoted(k.clone()), quoted(database_text(v)))).collect();
            format!("({})", members.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::model;

    #[test]
    fn filters_match_the_text_form() {
        let vm = json!({
            "name_label": "web 1", "power_state": "Running", "is_a_template": false, "VCPUs_max": 2, "tags": ["a", "b"],
            "other_config": {"k": "v"}, "VBDs": [],
        });
        let vm = &Record::from(vm.as_object().cloned().unwrap());
        let class = model().class("VM").unwrap();
        for (text, expected) in [
            (r#"field "power_state" = "Running""#, true),
            (r#"(field "is_a_template"="false") and (field "VCPUs__max"="2")"#, true),
            (r#"not (field "name__label" = "web 1")"#, false),
            ("true", true),
            ("not false", true),
            // Right associative: true or (true and false).
            ("true or true and false", true),
            ("false and true or true", false),
            (r#"field "tags" = "('a' 'b')""#, true),
            (r#"field "other_config" = "(('k' 'v'))""#, true),
            (r#"field "VBDs" = "()""#, true),
            (r#"field "_ref" = "OpaqueRef:1""#, true),
            (r#""a" = "a""#, true),
        ] {
            assert_eq!(parse(text).unwrap().matches(class, "OpaqueRef:1", vm), Ok(expected), "{text}");
        }
        for bad in ["", "field", r#"field "a" = "#, "true true", "(true", r#""a"#, "a & b", "and"] {
            assert_eq!(parse(bad).unwrap_err().code, "INVALID_VALUE", "{bad}");
        }
        for column in ["name_label", "nonsense"] {
            let filter = parse(&format!(r#"field "{column}" = "x""#)).unwrap();
            assert_eq!(filter.matches(class, "r", vm).unwrap_err().code, "INTERNAL_ERROR");
        }
    }
}
