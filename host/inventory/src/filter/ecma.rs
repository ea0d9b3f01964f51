//! Reads JavaScript's regular expressions and writes them for engines of Rust.

use std::fmt::Write;

use super::weight::Scale;

/// Groups in groups.
pub(super) const DEPTH: usize = 50;

const SPACES: &str = r"\t-\r \xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";
const NO_SPACES: &str = r"\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}";
const LINE_ENDS: &str = r"\n\r\x{2028}\x{2029}";
// Without this flag each character's other cases would be looked up.
const NOTHING: &str = r"(?-i:[^\x00-\x{10ffff}])";
const ANYTHING: &str = r"(?-i:[\x00-\x{10ffff}])";

/// As many ranges as the largest of these sets has.
const RANGES: usize = 12;

/// How sets end that have nearly all characters.
const LAST: &str = r"-\x{10ffff}";

/// ASCII word boundaries: the linear engine's own, and those of the other, which knows only Unicode's.
const BOUNDARY: &str = r"(?-u:\b)";
const LONG_BOUNDARY: &str = "(?-i:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))";
const NO_BOUNDARY: &str = "(?-i:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))";

/// A pattern for one of the engines.
pub(super) struct Translated {
    pub(super) pattern: String,
    /// Whether it needs the engine that backtracks.
    pub(super) backtracks: bool,
    pub(super) scale: Scale,
}

/// Translates a pattern, or says in JavaScript's words why it is none.
pub(super) fn translate(source: &str) -> Result<Translated, &'static str> {
    let groups = groups(source);
    let read = |boundary| {
        let (out, scale) = Default::default();
        Reader { rest: source, out, backtracks: false, groups: &groups, boundary, scale }.read()
    };
    let translated = read(BOUNDARY)?;
    if translated.backtracks { read(LONG_BOUNDARY) } else { Ok(translated) }
}

/// Returns the names of the capturing groups, in order; empty for those without one.
fn groups(source: &str) -> Vec<String> {
    let mut groups = Vec::new();
    let mut in_class = false;
    let mut chars = source.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => _ = chars.next(),
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => match source[at + 1..].strip_prefix('?') {
                None => groups.push(String::new()),
                Some(rest) if rest.starts_with('<') && !rest.starts_with("<=") && !rest.starts_with("<!") => {
                    groups.push(rest[1..].split('>').next().unwrap_or_default().to_owned());
                }
                Some(_) => {}
            },
            _ => {}
        }
    }
    groups
}

struct Reader<'a> {
    rest: &'a str,
    out: String,
    backtracks: bool,
    groups: &'a [String],
    boundary: &'static str,
    scale: Scale,
}

/// What a class can hold.
enum Item {
    Char(char),
    /// A set, as what stands in a class for it.
    Set(&'static str),
    /// Half of a pair of UTF-16 units: no text has it.
    Nothing,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn read(mut self) -> Result<Translated, &'static str> {
        let mut depth = 0;
        // Whether there is something before that can be repeated.
        let mut atom = false;
        while let Some(char) = self.next() {
            let repeats = match char {
                '*' | '+' | '?' => Some((char.to_string(), 1)),
                '{' => self.braces()?,
                _ => None,
            };
            if let Some((repeats, times)) = repeats {
                if !atom {
                    return Err("Nothing to repeat");
                }
                self.out.push_str(&repeats);
                self.scale.repeat(times);
                if self.eat("?") {
                    self.out.push('?');
                }
                atom = false;
                continue;
            }
            atom = true;
            match char {
                '^' => {
                    self.out.push_str(r"\A");
                    self.scale.part();
                    atom = false;
                }
                '$' => {
                    self.out.push_str(r"\z");
                    self.scale.part();
                    atom = false;
                }
                '|' => {
                    self.out.push('|');
                    self.scale.part();
                    atom = false;
                }
                '(' => {
                    depth += 1;
                    if depth > DEPTH {
                        return Err("Too many groups in groups");
                    }
                    self.open()?;
                    self.scale.open();
                    atom = false;
                }
                ')' if depth == 0 => return Err("Unmatched ')'"),
                ')' => {
                    depth -= 1;
                    self.out.push(')');
                    self.scale.close();
                }
                '.' => {
                    self.push(format_args!("[^{LINE_ENDS}]"));
                    self.scale.class(0, 0);
                }
                '[' => self.class()?,
                '\\' => atom = self.escape()?,
                char => self.literal(char),
            }
        }
        if depth > 0 {
            return Err("Unterminated group");
        }
        Ok(Translated { pattern: self.out, backtracks: self.backtracks, scale: self.scale })
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("a String takes everything");
    }

    fn literal(&mut self, char: char) {
        self.scale.char();
        if char.is_ascii_alphanumeric() {
            self.out.push(char);
        } else {
            self.push(format_args!(r"\x{{{:x}}}", char as u32));
        }
    }

    /// Reads what follows `{`, and how many times what is repeated is built; none when it is a brace like any other.
    fn braces(&mut self) -> Result<Option<(String, usize)>, &'static str> {
        let Some((inside, rest)) = self.rest.split_once('}') else { return Ok(None) };
        let (low, high) = match inside.split_once(',') {
            None => (inside, Some(inside)),
            Some((low, "")) => (low, None),
            Some((low, high)) => (low, Some(high)),
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(low) || !high.is_none_or(is_number) {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<u32>().map_err(|_| "too large");
        let low = number(low)?;
        // A repetition without an end is built once more.
        let high = high.map_or(Ok(low.saturating_add(1)), number)?;
        if high < low {
            return Err("numbers out of order in {} quantifier");
        }
        self.rest = rest;
        Ok(Some((format!("{{{inside}}}"), high as usize)))
    }

    fn open(&mut self) -> Result<(), &'static str> {
        for look in ["?=", "?!", "?<=", "?<!"] {
            if self.eat(look) {
                self.backtracks = true;
                self.push(format_args!("({look}"));
                return Ok(());
            }
        }
        if self.eat("?:") {
            self.out.push_str("(?:");
            return Ok(());
        }
        if self.eat("?<") {
            let (name, rest) = self.rest.split_once('>').ok_or("Invalid capture group name")?;
            let fits = |char: char| char == '_' || char == '$' || char.is_alphanumeric();
            if !name.chars().all(fits) || name.is_empty() || name.starts_with(|char: char| char.is_numeric()) {
                return Err("Invalid capture group name");
            }
            if self.groups.iter().filter(|known| *known == name).count() > 1 {
                return Err("Duplicate capture group name");
            }
            self.rest = rest;
        } else if self.rest.starts_with('?') {
            return Err("Invalid group");
        }
        // The numbers of groups count for back references.
        self.out.push('(');
        Ok(())
    }

    /// Reads an escape outside of a class; returns whether it can be repeated.
    fn escape(&mut self) -> Result<bool, &'static str> {
        let start = self.rest;
        match self.next() {
            None => return Err(r"\ at end of pattern"),
            Some('b') => {
                self.out.push_str(self.boundary);
                self.scale.part();
                return Ok(false);
            }
            Some('B') => {
                self.backtracks = true;
                self.out.push_str(NO_BOUNDARY);
                self.scale.part();
                return Ok(false);
            }
            Some('k') if self.groups.iter().any(|name| !name.is_empty()) => {
                let name = self.rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
                let (name, rest) = name.ok_or("Invalid named reference")?;
                let index = self.groups.iter().position(|known| known == name && !name.is_empty());
                let index = index.ok_or("Invalid named capture referenced")?;
                self.rest = rest;
                self.reference(index + 1);
                return Ok(true);
            }
            Some('1'..='9') => {
                let digits = start.len() - start.trim_start_matches(|char: char| char.is_ascii_digit()).len();
                let number = start[..digits].parse::<usize>().unwrap_or(usize::MAX);
                if number <= self.groups.len() {
                    self.rest = &start[digits..];
                    self.reference(number);
                    return Ok(true);
                }
            }
            Some(_) => {}
        }
        self.rest = start;
        match self.item()? {
            Item::Char(char) => self.literal(char),
            Item::Set(set) => {
                self.push(format_args!("(?-i:[{set}])"));
                self.scale.class(RANGES, 0);
            }
            Item::Nothing => {
                self.out.push_str(NOTHING);
                self.scale.class(0, 0);
            }
        }
        Ok(true)
    }

    fn reference(&mut self, number: usize) {
        self.backtracks = true;
        self.push(format_args!(r"(?:\{number})"));
        self.scale.part();
    }

    /// Reads what follows a backslash, in a class or outside.
    fn item(&mut self) -> Result<Item, &'static str> {
        let start = self.rest;
        let char = self.next().ok_or(r"\ at end of pattern")?;
        Ok(Item::Char(match char {
            'd' => return Ok(Item::Set("0-9")),
            'D' => return Ok(Item::Set(r"\x00-/:-\x{10ffff}")),
            'w' => return Ok(Item::Set("0-9A-Za-z_")),
            'W' => return Ok(Item::Set(r"\x00-/:-@\x5b-\x5e\x60\x7b-\x{10ffff}")),
            's' => return Ok(Item::Set(SPACES)),
            'S' => return Ok(Item::Set(NO_SPACES)),
            't' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            'c' => match self.rest.bytes().next() {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    self.rest = &self.rest[1..];
                    char::from(letter % 32)
                }
                // No control letter: the backslash is itself, and so is the c that comes now.
                _ => {
                    self.rest = start;
                    '\\'
                }
            },
            'x' => self.hex(2).and_then(char::from_u32).unwrap_or('x'),
            'u' => match self.hex(4) {
                None => 'u',
                Some(unit @ 0xd800..=0xdbff) if self.rest.starts_with(r"\u") => {
                    let before = self.rest;
                    self.rest = &self.rest[2..];
                    match self.hex(4) {
                        Some(low @ 0xdc00..=0xdfff) => {
                            char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\0')
                        }
                        _ => {
                            self.rest = before;
                            return Ok(Item::Nothing);
                        }
                    }
                }
                Some(unit) => match char::from_u32(unit) {
                    Some(char) => char,
                    None => return Ok(Item::Nothing),
                },
            },
            '0'..='7' => {
                // An octal number up to 0o377.
                let mut value = char as u32 - 48;
                while let Some(digit) = self.rest.chars().next().and_then(|next| next.to_digit(8)) {
                    if value * 8 + digit > 0o377 {
                        break;
                    }
                    value = value * 8 + digit;
                    self.rest = &self.rest[1..];
                }
                char::from_u32(value).unwrap_or('\0')
            }
            other => other,
        }))
    }

    /// Takes exactly so many hexadecimal digits, or nothing.
    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.rest = &self.rest[digits..];
        u32::from_str_radix(text, 16).ok()
    }

    fn class(&mut self) -> Result<(), &'static str> {
        let negated = self.eat("^");
        let mut items = String::new();
        let (mut ranges, mut points) = (0, 0);
        loop {
            let low = match self.next().ok_or("Unterminated character class")? {
                ']' => break,
                '\\' => self.class_escape()?,
                char => Item::Char(char),
            };
            ranges += 1;
            if let Item::Set(set) = low {
                ranges += RANGES;
                points += if set.ends_with(LAST) { char::MAX as usize } else { 0 };
            }
            let is_range = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            let (Item::Char(from), true) = (&low, is_range) else {
                put(&mut items, &low);
                continue;
            };
            let before = self.rest;
            self.next();
            let high = match self.next().ok_or("Unterminated character class")? {
                '\\' => self.class_escape()?,
                char => Item::Char(char),
            };
            match high {
                Item::Char(to) if to < *from => return Err("Range out of order in character class"),
                Item::Char(to) => {
                    points += to as usize - *from as usize;
                    let _ = write!(items, r"\x{{{:x}}}-\x{{{:x}}}", *from as u32, to as u32);
                }
                // `a-\d` is no range but three things.
                _ => {
                    self.rest = before;
                    put(&mut items, &low);
                    self.next();
                    put(&mut items, &Item::Char('-'));
                }
            }
        }
        match (items.is_empty(), negated) {
            (true, false) => self.out.push_str(NOTHING),
            (true, true) => self.out.push_str(ANYTHING),
            (false, false) => self.push(format_args!("[{items}]")),
            (false, true) => self.push(format_args!("[^{items}]")),
        }
        self.scale.class(ranges, points);
        Ok(())
    }

    fn class_escape(&mut self) -> Result<Item, &'static str> {
        match self.rest.chars().next() {
            Some('b') => {
                self.next();
                Ok(Item::Char('\u{8}'))
            }
            _ => self.item(),
        }
    }
}

/// Writes an item of a class.
fn put(items: &mut String, item: &Item) {
    match item {
        Item::Char(char) => _ = write!(items, r"\x{{{:x}}}", *char as u32),
        Item::Set(set) => items.push_str(set),
        Item::Nothing => {}
    }
}
