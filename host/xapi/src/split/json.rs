//! Finds the elements of a list in JSON by its quotes and brackets. What is malformed in other ways shows when an element,
//! or the rest, is read.

use super::{Place, keep};

/// Names longer than this are on no path of ours.
const LONGEST_NAME: usize = 16;

pub(super) struct Scan {
    /// The names that lead to the list, from the outermost object on.
    path: &'static [&'static str],
    /// Brackets that are open.
    depth: usize,
    /// How many names of the path the open brackets stand for.
    level: usize,
    /// Whether the last name is the one the path wants next, so that the next bracket leads there.
    wanted: bool,
    in_string: bool,
    escaped: bool,
    /// The last string outside of the list, up to a length.
    name: Vec<u8>,
    /// Whether we are in the list.
    inside: bool,
    /// How far the bytes in front have been looked at before: they begin with an element whose end is missing.
    seen: usize,
    pub(super) rest: Vec<u8>,
}

impl Scan {
    pub(super) fn new(place: Place) -> Self {
        let path: &[&str] = match place {
            Place::Events => &["result", "events"],
            Place::Table => &["result"],
        };
        Self {
            path,
            depth: 0,
            level: 0,
            wanted: false,
            in_string: false,
            escaped: false,
            name: Vec::new(),
            inside: false,
            seen: 0,
            rest: Vec::new(),
        }
    }

    /// Looks at bytes and returns how many of them are done with.
    pub(super) fn run<E>(&mut self, bytes: &[u8], each: &mut E) -> Result<usize, String>
    where
        E: FnMut(&[u8]) -> Result<(), String>,
    {
        let mut done = 0;
        loop {
            let more =
                if self.inside { self.elements(bytes, &mut done, each)? } else { self.envelope(bytes, &mut done)? };
            if !more {
                return Ok(done);
            }
        }
    }

    /// Goes through the envelope, up to the list or the end of the bytes, and returns whether there is more to look at.
    fn envelope(&mut self, bytes: &[u8], done: &mut usize) -> Result<bool, String> {
        let start = *done;
        for (at, &byte) in bytes.iter().enumerate().skip(start) {
            if self.in_string {
                self.string(byte);
                continue;
            }
            match byte {
                b'"' => {
                    self.in_string = true;
                    self.name.clear();
                    self.wanted = false;
                }
                b':' => {
                    let next = self.path.get(self.level);
                    self.wanted = self.depth == self.level + 1 && next.is_some_and(|name| name.as_bytes() == self.name);
                }
                b'{' | b'[' => {
                    self.depth += 1;
                    if std::mem::take(&mut self.wanted) {
                        self.level += 1;
                    }
                    if self.level == self.path.len() && self.depth == self.level + 1 {
                        self.inside = true;
                        *done = at + 1;
                        keep(&mut self.rest, &bytes[start..*done])?;
                        return Ok(true);
                    }
                }
                b'}' | b']' => self.close()?,
                b',' => self.wanted = false,
                _ => {}
            }
        }
        *done = bytes.len();
        keep(&mut self.rest, &bytes[start..])?;
        Ok(false)
    }

    fn string(&mut self, byte: u8) {
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.in_string = false;
            return;
        }
        if self.name.len() <= LONGEST_NAME {
            self.name.push(byte);
        }
    }

    fn close(&mut self) -> Result<(), String> {
        if self.depth == self.level + 1 {
            self.level = self.level.saturating_sub(1);
        }
        self.depth = self.depth.checked_sub(1).ok_or("malformed JSON: one bracket too many")?;
        Ok(())
    }

    /// Goes through the list, up to its end or the end of the bytes, and returns whether there is more to look at.
    fn elements<E>(&mut self, bytes: &[u8], done: &mut usize, each: &mut E) -> Result<bool, String>
    where
        E: FnMut(&[u8]) -> Result<(), String>,
    {
        let list = self.path.len() + 1;
        let mut at = *done + std::mem::take(&mut self.seen);
        while let Some(&byte) = bytes.get(at) {
            if self.in_string {
                match memchr::memchr2(b'"', b'\\', &bytes[at..]) {
                    Some(offset) if bytes[at + offset] == b'"' => {
                        self.in_string = false;
                        at += offset + 1;
                    }
                    // With the letter behind it, which may not be here yet.
                    Some(offset) if at + offset + 1 < bytes.len() => at += offset + 2,
                    Some(offset) => {
                        at += offset;
                        break;
                    }
                    None => at = bytes.len(),
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth == list => {
                    let last = &bytes[*done..at];
                    if !last.trim_ascii().is_empty() {
                        each(last)?;
                    }
                    self.inside = false;
                    self.close()?;
                    keep(&mut self.rest, &[byte])?;
                    *done = at + 1;
                    return Ok(true);
                }
                b'}' | b']' => self.depth -= 1,
                b',' if self.depth == list => {
                    each(&bytes[*done..at])?;
                    *done = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        self.seen = at - *done;
        Ok(false)
    }
}
