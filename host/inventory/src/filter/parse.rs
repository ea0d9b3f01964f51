//! From text to tree.
//!
//! The grammar tries its alternatives in order: group, `|(...)`, `!`, comparison, `name:`, `name?`, value. When `name:` has
//! no term after it, the name is a value, and the colon is where the filter cannot go on: so every syntax error is "expected
//! end of input", at the start of the first term that does not parse. A number or a regular expression that is none is an
//! error at once, wherever it stands.
//!
//! Each place is read at most a few times: an alternative that fails after a term fails the whole group around it too.

use super::node::{Node, Operator};
use super::{FilterError, MAX_DEPTH, MAX_LENGTH, js, regexp};

/// Parses a filter.
pub(super) fn parse(text: &str) -> Result<Node, FilterError> {
    if text.len() > MAX_LENGTH {
        return Err(FilterError::TooLong);
    }
    let mut parser = Parser { rest: text, depth: 0 };
    parser.space();
    let mut terms = Vec::new();
    while let Some(term) = parser.term()? {
        terms.push(term);
    }
    if !parser.rest.is_empty() {
        // JavaScript counts in UTF-16 units.
        let position = text[..text.len() - parser.rest.len()].encode_utf16().count();
        return Err(FilterError::Syntax { position });
    }
    Ok(if terms.is_empty() { Node::Null } else { one_or(terms, Node::And) })
}

fn one_or(mut terms: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    if terms.len() == 1 { terms.remove(0) } else { many(terms) }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches(js::is_space);
    }

    /// Takes a sign, if it is there.
    fn eat(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads a term and the space after it. Without one, nothing is taken.
    fn term(&mut self) -> Result<Option<Node>, FilterError> {
        if self.depth == MAX_DEPTH {
            return Err(FilterError::TooDeep);
        }
        let start = self.rest;
        self.depth += 1;
        let term = self.any_term();
        self.depth -= 1;
        let term = term?;
        match term {
            Some(_) => self.space(),
            None => self.rest = start,
        }
        Ok(term)
    }

    fn any_term(&mut self) -> Result<Option<Node>, FilterError> {
        match self.rest.as_bytes().first() {
            None => Ok(None),
            Some(b'(') => self.group(Node::And),
            Some(b'|') => {
                self.eat("|");
                self.space();
                self.group(Node::Or)
            }
            Some(b'!') => {
                self.eat("!");
                self.space();
                Ok(self.term()?.map(|term| Node::Not(term.into())))
            }
            Some(b'<' | b'>') => self.comparison(),
            Some(b'/') => self.regexp(),
            Some(_) => self.property_or_value(),
        }
    }

    fn group(&mut self, many: fn(Vec<Node>) -> Node) -> Result<Option<Node>, FilterError> {
        if !self.eat("(") {
            return Ok(None);
        }
        self.space();
        let mut terms = Vec::new();
        while let Some(term) = self.term()? {
            terms.push(term);
        }
        if terms.is_empty() || !self.eat(")") {
            return Ok(None);
        }
        Ok(Some(one_or(terms, many)))
    }

    fn comparison(&mut self) -> Result<Option<Node>, FilterError> {
        use Operator::{Greater, GreaterOrEqual, Less, LessOrEqual};
        for operator in [GreaterOrEqual, LessOrEqual, Greater, Less] {
            if self.eat(operator.as_str()) {
                let Some(text) = self.raw() else { return Ok(None) };
                let number = js::number(text);
                if number.is_nan() {
                    return Err(FilterError::NotANumber);
                }
                return Ok(Some(Node::Comparison(operator, number)));
            }
        }
        Ok(None)
    }

    fn regexp(&mut self) -> Result<Option<Node>, FilterError> {
        self.eat("/");
        let mut escaped = false;
        let end = self.rest.find(|char| {
            let ends = char == '/' && !escaped;
            escaped = char == '\\' && !escaped;
            ends
        });
        let Some(end) = end else { return Ok(None) };
        let source = self.rest[..end].to_owned();
        self.rest = &self.rest[end + 1..];
        let ignore_case = self.eat("i");
        regexp::check(&source)?;
        Ok(Some(Node::RegExp { source, ignore_case }))
    }

    fn property_or_value(&mut self) -> Result<Option<Node>, FilterError> {
        let start = self.rest;
        let quoted = self.quoted();
        let name = match &quoted {
            Some(text) => Some(text.as_str()),
            None => self.raw(),
        };
        if let Some(name) = name {
            let after = self.rest;
            self.space();
            if self.eat(":") {
                self.space();
                if let Some(child) = self.term()? {
                    return Ok(Some(Node::Property { name: name.to_owned(), child: child.into() }));
                }
            }
            self.rest = after;
            if self.eat("?") {
                return Ok(Some(Node::Truthy(name.to_owned())));
            }
        }
        if let Some(text) = quoted {
            return Ok(Some(Node::Text(text)));
        }
        self.rest = start;
        let Some(text) = self.take(|char| char == '*' || js::is_raw(char)).map(str::to_owned) else { return Ok(None) };
        Ok(Some(if text.contains('*') {
            Node::Glob(text)
        } else if js::number(&text).is_nan() {
            Node::Text(text)
        } else {
            Node::NumberOrText(text)
        }))
    }

    fn raw(&mut self) -> Option<&'a str> {
        self.take(js::is_raw)
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> Option<&'a str> {
        let end = self.rest.find(|char| !fits(char)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!text.is_empty()).then_some(text)
    }

    /// Reads a text in quotes; one that is not closed ends with the input.
    fn quoted(&mut self) -> Option<String> {
        if !self.eat("\"") {
            return None;
        }
        let mut text = String::new();
        let mut chars = self.rest.chars();
        while let Some(char) = chars.next() {
            match char {
                '"' => break,
                '\\' => text.extend(chars.next()),
                char => text.push(char),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }
}
