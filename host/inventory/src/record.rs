//! Reads a XAPI record: both dialects, old releases without half of the fields, and references that lead nowhere.

use model::object::Decimal;
use xapi::Value;

/// A record to read fields from. A field that is missing reads as the empty or zero value of its type.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a>(pub(crate) &'a Value);

impl<'a> Record<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        debug_assert!(crate::FIELDS.binary_search(&name).is_ok(), "{name} is not in FIELDS, so it is never there");
        self.0.get(name)
    }

    pub(crate) fn str(self, name: &str) -> &'a str {
        self.opt_str(name).unwrap_or_default()
    }

    pub(crate) fn opt_str(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str()
    }

    pub(crate) fn bool(self, name: &str) -> bool {
        self.opt_bool(name).unwrap_or_default()
    }

    pub(crate) fn opt_bool(self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    pub(crate) fn int(self, name: &str) -> i64 {
        self.opt_int(name).unwrap_or_default()
    }

    pub(crate) fn opt_int(self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// Returns the reference in a field; none when it leads nowhere on purpose.
    pub(crate) fn reference(self, name: &str) -> Option<&'a str> {
        self.opt_str(name).filter(|reference| is_reference(reference))
    }

    /// Returns the strings of a set; none when the field is missing.
    pub(crate) fn opt_list(self, name: &str) -> Option<impl Iterator<Item = &'a str>> {
        Some(self.get(name)?.as_array()?.iter().filter_map(Value::as_str))
    }

    pub(crate) fn list(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.opt_list(name).into_iter().flatten()
    }

    /// Returns the entries of a map of strings.
    pub(crate) fn pairs(self, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let members = self.get(name).and_then(Value::as_struct).unwrap_or_default();
        members.iter().filter_map(|(key, value)| Some((&**key, value.as_str()?)))
    }

    /// Returns the entries of a map of numbers.
    pub(crate) fn counts(self, name: &str) -> impl Iterator<Item = (&'a str, i64)> {
        let members = self.get(name).and_then(Value::as_struct).unwrap_or_default();
        members.iter().filter_map(|(key, value)| Some((&**key, value.as_i64()?)))
    }

    /// Returns a number that may have a fraction; none when there is nothing that JSON can write.
    pub(crate) fn decimal(self, name: &str) -> Option<Decimal> {
        self.get(name)?.as_f64().filter(|number| number.is_finite()).map(Decimal)
    }

    /// Returns a value of a map of strings.
    pub(crate) fn entry(self, name: &str, key: &str) -> Option<&'a str> {
        self.get(name)?.get(key)?.as_str()
    }

    /// Returns whether a value of a map of strings says "true".
    pub(crate) fn flag(self, name: &str, key: &str) -> bool {
        self.entry(name, key) == Some("true")
    }

    /// Returns a number of a map of strings.
    pub(crate) fn number(self, name: &str, key: &str) -> Option<i64> {
        self.entry(name, key)?.trim().parse().ok()
    }
}

/// Returns whether a text is a reference to something: not `""`, not `OpaqueRef:NULL`.
pub(crate) fn is_reference(text: &str) -> bool {
    !text.is_empty() && text != "OpaqueRef:NULL" && text != "NULL"
}

/// Returns whole seconds since the epoch of a XAPI date (`20110511T17:05:45Z`), an ISO 8601 one, or a text of seconds
/// (`1298498036.`). XAPI's "never" is 1970, so zero is none.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let seconds = if text.contains('T') { date(text) } else { plain(text) };
    seconds.filter(|&seconds| seconds != 0)
}

fn plain(text: &str) -> Option<i64> {
    let whole = text.split('.').next()?;
    whole.parse().ok()
}

fn date(text: &str) -> Option<i64> {
    // Fractions and separators go; zones other than UTC do not occur (XAPI writes Z or nothing).
    let whole = text.split('.').next()?;
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 14 {
        return None;
    }
    let part = |from: usize, to: usize| digits[from..to].parse::<i8>().ok();
    let year = digits[..4].parse::<i16>().ok()?;
    let civil =
        jiff::civil::DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?, 0)
            .ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Returns whether the dotted version `have` is `want` or newer. What is not a number counts as zero.
pub(crate) fn version_at_least(have: &str, want: &[u32]) -> bool {
    let mut parts = have.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    for &want in want {
        let have = parts.next().unwrap_or_default();
        if have != want {
            return have > want;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds() {
        for (text, expected) in [
            ("20110511T17:05:45Z", Some(1_305_133_545)),
            ("2011-05-11T17:05:45Z", Some(1_305_133_545)),
            ("2011-05-11T17:05:45.500Z", Some(1_305_133_545)),
            ("1298498036.", Some(1_298_498_036)),
            ("1298498036", Some(1_298_498_036)),
            ("19700101T00:00:00Z", None),
            ("20111399T17:05:45Z", None),
            ("never", None),
            ("0", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn versions_compare_by_number() {
        for (have, want, expected) in [
            ("3.4.0", [3, 4, 0].as_slice(), true),
            ("3.10.0", &[3, 4], true),
            ("3.3.9", &[3, 4], false),
            ("2.1.1", &[2, 1, 1], true),
            ("2.1", &[2, 1, 1], false),
            ("", &[2, 1, 1], false),
        ] {
            assert_eq!(version_at_least(have, want), expected, "{have}");
        }
    }
}
