//! What objects are sorted by.

use std::cmp::Ordering;

use serde_json::Value;

/// One value that is sorted by. Booleans stand before numbers, these before texts; what has no value stands last.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    Bool(bool),
    Number(f64),
    /// In lower case.
    Text(Box<str>),
    Missing,
}

impl Key {
    /// Lists and maps have no order and count as missing.
    pub(super) fn of(value: Option<Value>) -> Self {
        match value {
            Some(Value::Bool(value)) => Self::Bool(value),
            Some(Value::Number(number)) => number.as_f64().map_or(Self::Missing, Self::Number),
            Some(Value::String(text)) => Self::Text(text.to_lowercase().into()),
            _ => Self::Missing,
        }
    }

    /// Compares for a list. What is missing is last in both directions.
    pub(super) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let order = match (self, other) {
            (Self::Missing, Self::Missing) => return Ordering::Equal,
            (Self::Missing, _) => return Ordering::Greater,
            (_, Self::Missing) => return Ordering::Less,
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Text(left), Self::Text(right)) => natural(left.as_bytes(), right.as_bytes()),
            (Self::Bool(_), _) | (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (_, Self::Bool(_)) | (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        };
        if descending { order.reverse() } else { order }
    }
}

/// Compares texts as people count: `vm9` before `vm10`. Zeros in front make a difference only when nothing else does.
fn natural(mut left: &[u8], mut right: &[u8]) -> Ordering {
    let whole = (left, right);
    loop {
        match (left.first(), right.first()) {
            (None, None) => return whole.0.cmp(whole.1),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, b);
                (a, left) = digits(left);
                (b, right) = digits(right);
                match a.len().cmp(&b.len()).then_with(|| a.cmp(b)) {
                    Ordering::Equal => {}
                    order => return order,
                }
            }
            (Some(a), Some(b)) if a == b => (left, right) = (&left[1..], &right[1..]),
            (Some(a), Some(b)) => return a.cmp(b),
        }
    }
}

/// Splits off the digits in front, without their zeros.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let zeros = number.iter().position(|byte| *byte != b'0').unwrap_or(number.len());
    (&number[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_sort_as_people_expect() {
        let sorted = json!([
            false, true, -1, 0, 0.5, 2, 1000, "", "A-1", "a-02", "A-2", "a-10", "a-10b", "a-x", "b", "vm 9", "vm 10",
            "É",
        ]);
        let sorted = sorted.as_array().unwrap();
        let keys = |descending: bool| {
            let mut shuffled: Vec<_> = sorted.iter().rev().collect();
            shuffled.swap(0, 5);
            shuffled.sort_by(|a, b| Key::of(Some((*a).clone())).compare(&Key::of(Some((*b).clone())), descending));
            shuffled.into_iter().cloned().collect::<Vec<_>>()
        };
        assert_eq!(keys(false), *sorted);
        assert_eq!(keys(true), sorted.iter().rev().cloned().collect::<Vec<_>>());
        let missing = [Key::of(None), Key::of(Some(json!(null))), Key::of(Some(json!([1])))];
        for key in &missing {
            for descending in [false, true] {
                assert_eq!(key.compare(&Key::Bool(true), descending), Ordering::Greater);
                assert_eq!(Key::Text("".into()).compare(key, descending), Ordering::Less);
                assert_eq!(key.compare(&missing[0], descending), Ordering::Equal);
            }
        }
    }
}
