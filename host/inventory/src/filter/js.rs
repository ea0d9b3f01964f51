//! What JavaScript does with texts and numbers, as far as filters show it.

/// Returns whether a character needs no quotes in a filter. JavaScript looks at UTF-16 units, so characters beyond the
/// first plane, which are two units without case, need them.
pub(super) fn is_raw(char: char) -> bool {
    match char {
        '0'..='9' | 'a'..='z' | 'A'..='Z' | '_' | '-' | '.' | '$' => true,
        char if char.is_ascii() || char as u32 > 0xffff => false,
        char => !(char.to_lowercase().eq([char]) && char.to_uppercase().eq([char])),
    }
}

/// Returns whether a character is white space for `\s` and `trim`.
pub(super) fn is_space(char: char) -> bool {
    matches!(
        char,
        '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}'
            | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// Returns whether `.` does not match the character.
pub(super) fn is_line_end(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Returns what `Number(text)` is.
pub(super) fn number(text: &str) -> f64 {
    let text = text.trim_matches(is_space);
    let radix = |digits: &str, radix: u32| {
        let value = |sum: f64, char: char| Some(sum * f64::from(radix) + f64::from(char.to_digit(radix)?));
        if digits.is_empty() { None } else { digits.chars().try_fold(0.0, value) }.unwrap_or(f64::NAN)
    };
    match text.as_bytes() {
        [] => 0.0,
        [b'0', b'x' | b'X', ..] => radix(&text[2..], 16),
        [b'0', b'o' | b'O', ..] => radix(&text[2..], 8),
        [b'0', b'b' | b'B', ..] => radix(&text[2..], 2),
        _ => match text {
            "Infinity" | "+Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            // Rust's words for what is no number would pass otherwise.
            _ if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) => {
                text.parse().unwrap_or(f64::NAN)
            }
            _ => f64::NAN,
        },
    }
}

/// Returns a number as JavaScript writes it, but for the plus sign of great exponents, which no filter could read again.
pub(super) fn number_text(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&number.abs()) { number.to_string() } else { format!("{number:e}") }
}

/// A text to look for, whatever the case: both sides are compared in lower case.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    /// In lower case.
    text: String,
    /// Whether JSON writes it as it is.
    is_plain: bool,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        Self { text, is_plain }
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        if !text.is_ascii() {
            return text.to_lowercase().contains(&self.text);
        }
        is_in_ascii(text.as_bytes(), self.text.as_bytes())
    }

    /// Returns whether it can be in one of the texts of this JSON. So most of it need not be read.
    pub(super) fn may_be_in(&self, json: &str) -> bool {
        // In texts with escapes or other scripts, it may be without standing there.
        !self.is_plain || !json.is_ascii() || json.contains('\\') || self.is_in(json)
    }
}

/// Returns whether a needle in lower case is in an ASCII text of any case.
fn is_in_ascii(text: &[u8], needle: &[u8]) -> bool {
    let Some((&first, rest)) = needle.split_first() else { return true };
    let Some(places) = text.len().checked_sub(rest.len()) else { return false };
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), &text[..places])
        .any(|at| text[at + 1..=at + rest.len()].eq_ignore_ascii_case(rest))
}

/// A pattern with `*` for anything but a line end, anywhere in a text, whatever the case.
#[derive(Clone, Debug)]
pub(super) struct Glob(Vec<String>);

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        Self(pattern.split('*').filter(|piece| !piece.is_empty()).map(fold).collect())
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let folded = fold(text);
        // A star crosses no line end, so all pieces are in one line. Taking each at its first place leaves most for the next.
        folded.split(is_line_end).any(|line| {
            let mut rest = line;
            self.0.iter().all(|piece| match rest.find(piece.as_str()) {
                Some(at) => {
                    rest = &rest[at + piece.len()..];
                    true
                }
                None => false,
            })
        })
    }
}

/// Returns a text as regular expressions with the flag `i` compare it: each character by its upper case form, if that is
/// one character of the first plane and not an ASCII one for a character that is none.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    text.chars()
        .map(|char| {
            let mut upper = char.to_uppercase();
            match (upper.next(), upper.next()) {
                _ if char as u32 > 0xffff => char,
                (Some(one), None) if char.is_ascii() || !one.is_ascii() => one,
                _ => char,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_javascript() {
        let cases = [
            ("", 0.0),
            (" 7\n", 7.0),
            ("1e3", 1000.0),
            ("0x1F", 31.0),
            ("0b101", 5.0),
            ("0o17", 15.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-5", -5.0),
            ("+5", 5.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text), expected, "{text:?}");
        }
        for text in ["x", ".", "-", "1e", "0x", "0xg", "-0x1", "inf", "nan", "infinity", "1_0", "8.3.0", "1 2"] {
            assert!(number(text).is_nan(), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_so_that_they_read_the_same() {
        let cases = [
            (2_147_483_648.0, "2147483648"),
            (0.5, "0.5"),
            (-1.0, "-1"),
            (-0.0, "0"),
            (1e21, "1e21"),
            (1e20, "100000000000000000000"),
            (1.5e-7, "1.5e-7"),
            (1e-6, "0.000001"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(number_text(value), text);
            assert_eq!(number(text), value);
        }
    }

    #[test]
    fn texts_are_found_whatever_the_case() {
        let found = |needle: &str, text: &str| Needle::new(needle).is_in(text);
        assert!(found("", "") && found("WEB", "my-web") && found("web", "my-WEB") && found("ÅÄÖ", "den åäö server"));
        assert!(!found("webs", "web") && !found("é", "e") && !found("x", ""));
        // Lower case of the Kelvin sign is k, in JavaScript too.
        assert!(found("k", "300 \u{212a}"));
    }

    #[test]
    fn globs_stay_in_a_line() {
        let found = |glob: &str, text: &str| Glob::new(glob).is_in(text);
        assert!(found("*", "") && found("w*1", "xx WEB-01 x") && found("a*a", "aa") && found("É*", "été"));
        assert!(!found("a*a", "a") && !found("a*b", "a\nb") && !found("b*a", "ab") && found("a*b", "x\nab"));
        // Upper case of these would be ASCII or two characters: they stay themselves.
        assert!(!found("s*", "\u{17f}") && !found("ss*", "ß"));
    }
}
