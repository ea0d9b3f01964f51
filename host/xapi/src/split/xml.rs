//! Finds the elements of a list in XML-RPC by its tags. What is malformed in other ways shows when an element, or the rest,
//! is read.

use super::{Place, keep};

pub(super) struct Scan {
    place: Place,
    /// The names that lead to the list, from the outermost struct on.
    path: &'static [&'static str],
    /// `<value>` that are open.
    values: usize,
    /// How many names of the path the open values stand for.
    level: usize,
    /// Whether the last name is the one the path wants next, so that the next value leads there.
    wanted: bool,
    /// Whether we are in an element of the list.
    inside: bool,
    /// How far the bytes in front have been looked at before.
    seen: usize,
    pub(super) rest: Vec<u8>,
}

impl Scan {
    pub(super) fn new(place: Place) -> Self {
        let path: &[&str] = match place {
            Place::Events => &["Value", "events"],
            Place::Table => &["Value"],
        };
        Self { place, path, values: 0, level: 0, wanted: false, inside: false, seen: 0, rest: Vec::new() }
    }

    /// Looks at bytes and returns how many of them are done with.
    pub(super) fn run<E>(&mut self, bytes: &[u8], each: &mut E) -> Result<usize, String>
    where
        E: FnMut(&[u8]) -> Result<(), String>,
    {
        // The list is the value that the whole path leads to; its elements are values or members in it.
        let list = self.path.len() + 1;
        let mut done = 0;
        let mut at = std::mem::take(&mut self.seen);
        while let Some(offset) = memchr::memchr(b'<', &bytes[at..]) {
            let open = at + offset;
            let Some(end) = end_of(bytes, open) else {
                at = open;
                return self.pause(bytes, done, at);
            };
            let tag = &bytes[open..end];
            let in_list = self.level == self.path.len();
            let mut ends = false;
            match (tag, self.place) {
                (b"<value/>", Place::Events) if !self.inside && in_list && self.values == list => {
                    keep(&mut self.rest, &bytes[done..open])?;
                    done = open;
                    ends = true;
                }
                (b"<value/>", _) => self.wanted = false,
                (b"<value>", place) => {
                    if place == Place::Events && !self.inside && in_list && self.values == list {
                        keep(&mut self.rest, &bytes[done..open])?;
                        (done, self.inside) = (open, true);
                    }
                    self.values += 1;
                    if !self.inside && std::mem::take(&mut self.wanted) {
                        self.level += 1;
                    }
                }
                (b"</value>", place) => {
                    if !self.inside && self.values == self.level + 1 {
                        self.level = self.level.saturating_sub(1);
                    }
                    self.values = self.values.checked_sub(1).ok_or("tags that do not match")?;
                    ends = self.inside && place == Place::Events && self.values == list;
                }
                (b"<member>", Place::Table) if !self.inside && in_list && self.values == list => {
                    keep(&mut self.rest, &bytes[done..open])?;
                    (done, self.inside) = (open, true);
                }
                (b"</member>", Place::Table) => ends = self.inside && self.values == list,
                (b"<name>", _) if !self.inside => {
                    // The name has to be here whole, with the tag that ends it: what has been looked at is not kept.
                    let close = memchr::memchr(b'<', &bytes[end..]).map(|offset| end + offset);
                    let Some((close, after)) = close.and_then(|close| Some((close, end_of(bytes, close)?))) else {
                        at = open;
                        return self.pause(bytes, done, at);
                    };
                    let next = self.path.get(self.level);
                    let name = bytes[end..close].trim_ascii();
                    self.wanted = &bytes[close..after] == b"</name>"
                        && self.values == self.level + 1
                        && next.is_some_and(|next| next.as_bytes() == name);
                }
                _ => {}
            }
            at = end;
            if ends {
                each(&bytes[done..end])?;
                (done, self.inside) = (end, false);
            }
        }
        let seen = bytes.len();
        self.pause(bytes, done, seen)
    }

    /// Stops at `at`, because the rest of a tag, a name or an element has not arrived, and returns how much is done with.
    fn pause(&mut self, bytes: &[u8], done: usize, at: usize) -> Result<usize, String> {
        if self.inside {
            self.seen = at - done;
            return Ok(done);
        }
        keep(&mut self.rest, &bytes[done..at])?;
        Ok(at)
    }
}

/// Returns where the tag, comment or character data that begins here ends.
fn end_of(bytes: &[u8], open: usize) -> Option<usize> {
    let tail = &bytes[open..];
    let (mark, skip): (&[u8], usize) = match tail {
        [b'<', b'!', b'-', b'-', ..] => (b"-->", 4),
        [b'<', b'!', b'[', ..] => (b"]]>", 3),
        // Which of the two it is, the next bytes tell.
        [b'<', b'!'] | [b'<', b'!', b'-'] => return None,
        _ => (b">", 1),
    };
    memchr::memmem::find(&tail[skip.min(tail.len())..], mark).map(|at| open + skip + at + mark.len())
}
