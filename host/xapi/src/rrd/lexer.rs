//! A reader of JSON that also takes what XAPI wrote before 23.31: names without quotes, `NaN`, numbers as strings.
//!
//! It walks over the text and copies nothing but strings with escapes. It never recurses: whoever reads knows the shape,
//! and what nobody wants is skipped by counting brackets.

use std::borrow::Cow;

use super::{Malformed, at};

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns an error at the present position.
    pub(super) fn wrong(&self, problem: &str) -> Malformed {
        at(problem, self.at)
    }

    /// Reads an object: `member` is called with each name and must read its value.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&str, &mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.expect(b'{')?;
        while !self.take(b'}') {
            let name = self.scalar()?;
            self.expect(b':')?;
            member(&name, self)?;
            self.separator(b'}')?;
        }
        Ok(())
    }

    /// Reads a list: `item` is called for each element and must read it. A list of one may stand without its brackets.
    pub(super) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Malformed>) -> Result<(), Malformed> {
        if !self.take(b'[') {
            return item(self);
        }
        while !self.take(b']') {
            item(self)?;
            self.separator(b']')?;
        }
        Ok(())
    }

    /// Reads a string, or a word or number without quotes.
    pub(super) fn scalar(&mut self) -> Result<Cow<'a, str>, Malformed> {
        match self.peek() {
            Some(quote @ (b'"' | b'\'')) => self.string(quote),
            _ => {
                let rest = &self.text[self.at..];
                let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '+' | '-' | '.');
                let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
                if end == 0 {
                    return Err(self.wrong("expected a string or a number"));
                }
                self.at += end;
                Ok(Cow::Borrowed(&rest[..end]))
            }
        }
    }

    /// Reads a scalar and makes something of it.
    pub(super) fn read<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>, what: &str) -> Result<T, Malformed> {
        let scalar = self.scalar()?;
        parse(&scalar).ok_or_else(|| self.wrong(what))
    }

    /// Reads a value of any shape and forgets it.
    pub(super) fn skip(&mut self) -> Result<(), Malformed> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                None => return Err(self.wrong("the end comes too early")),
                Some(b'{' | b'[') => {
                    self.at += 1;
                    depth += 1;
                }
                Some(b'}' | b']') if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                Some(b',' | b':') if depth > 0 => self.at += 1,
                _ => {
                    self.scalar()?;
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Expects that nothing is left.
    pub(super) fn end(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("something behind the end")),
        }
    }

    /// Expects a comma, unless the end of the object or list follows; one comma before the end is no harm.
    fn separator(&mut self, close: u8) -> Result<(), Malformed> {
        if self.take(b',') || self.peek() == Some(close) { Ok(()) } else { Err(self.wrong("expected a comma")) }
    }

    fn string(&mut self, quote: u8) -> Result<Cow<'a, str>, Malformed> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        for (index, byte) in self.text.as_bytes()[start..].iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                byte if *byte == quote => {
                    let inside = &self.text[start..start + index];
                    self.at = start + index + 1;
                    return if inside.contains('\\') { self.unescape(inside) } else { Ok(Cow::Borrowed(inside)) };
                }
                _ => {}
            }
        }
        Err(self.wrong("a string without an end"))
    }

    /// Replaces escapes, those of JSON and `\'`. Names of sources have none, so it is enough that it is right.
    fn unescape(&self, inside: &str) -> Result<Cow<'a, str>, Malformed> {
        let mut json = String::with_capacity(inside.len() + 2);
        json.push('"');
        let mut letters = inside.chars();
        while let Some(letter) = letters.next() {
            match (letter, if letter == '\\' { letters.next() } else { None }) {
                (_, Some('\'')) => json.push('\''),
                (_, Some(escaped)) => json.extend(['\\', escaped]),
                // As it stands between apostrophes.
                ('"', None) => json.push_str("\\\""),
                (letter, None) => json.push(letter),
            }
        }
        json.push('"');
        serde_json::from_str::<String>(&json).map(Cow::Owned).map_err(|_| self.wrong("a bad escape"))
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.take(byte) { Ok(()) } else { Err(self.wrong(&format!("expected {}", char::from(byte)))) }
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.at += 1;
        }
        there
    }

    /// Returns the next byte that is no blank, and moves there.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len());
        self.text.as_bytes().get(self.at).copied()
    }
}
