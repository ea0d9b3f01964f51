//! The name of a member of a struct: two words instead of a text of its own for each of the hundred fields that every
//! record of a class repeats.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{LazyLock, OnceLock};

use parking_lot::RwLock;

use crate::events::OWN_FIELDS;

/// How many names are shared at most. XAPI's records have about 1,500 different ones; a hostile pool that invents more
/// gets texts of their own for them.
const SHARED: usize = 4096;
/// The longest name that is shared; they are never given back.
const LONGEST: usize = 48;

/// The name of a member. Reads like a `str`.
#[derive(Clone)]
pub struct Key(Form);

#[derive(Clone)]
enum Form {
    /// A shared name, by its number.
    Shared(u16),
    Own(Box<str>),
}

/// The shared names by number. Each place is written once.
static TEXTS: [OnceLock<&'static str>; SHARED] = [const { OnceLock::new() }; SHARED];
/// Their numbers.
static NUMBERS: LazyLock<RwLock<HashMap<&'static str, u16>>> = LazyLock::new(RwLock::default);

fn text(number: u16) -> &'static str {
    TEXTS.get(usize::from(number)).and_then(OnceLock::get).copied().unwrap_or_default()
}

/// Returns the number of a name, a new one if need be; `None` when it is too long or there are too many.
fn share(name: &str) -> Option<u16> {
    if name.len() > LONGEST {
        return None;
    }
    let known = NUMBERS.read().get(name).copied();
    known.or_else(|| {
        let mut numbers = NUMBERS.write();
        if let Some(&number) = numbers.get(name) {
            return Some(number);
        }
        let number = u16::try_from(numbers.len()).ok().filter(|&number| usize::from(number) < SHARED)?;
        let name: &'static str = Box::leak(name.into());
        TEXTS[usize::from(number)].set(name).ok()?;
        numbers.insert(name, number);
        Some(number)
    })
}

/// Makes the keys of many records of few classes. One for each reader of an answer.
pub(crate) struct Names {
    numbers: HashMap<&'static str, u16>,
    /// Which name came after this one last time: fields come in the same order in every record of a class.
    after: Vec<u16>,
    last: usize,
    /// How many members the last record had.
    pub(crate) width: usize,
    fields: Fields,
    /// Whether a name is one of the fields, once that was looked up.
    read: Vec<Option<bool>>,
}

/// The fields of records that somebody reads: sorted names, the same for all classes; none for every field there is. A
/// quarter of what XAPI sends is read by nobody.
pub type Fields = Option<&'static [&'static str]>;

impl Names {
    /// Makes the names of records of which only these fields are read.
    pub(crate) fn new(fields: Fields) -> Self {
        let read = if fields.is_some() { vec![None; SHARED] } else { Vec::new() };
        Self { numbers: HashMap::new(), after: vec![u16::MAX; SHARED + 1], last: SHARED, width: 0, fields, read }
    }

    /// Returns whether somebody reads the field of this name.
    pub(crate) fn reads(&mut self, key: &Key) -> bool {
        let Some(fields) = self.fields else { return true };
        let look = || fields.binary_search(&&**key).is_ok() || OWN_FIELDS.contains(&&**key);
        match key.0 {
            Form::Shared(number) => *self.read[usize::from(number)].get_or_insert_with(look),
            Form::Own(_) => look(),
        }
    }

    /// Returns the key for the next name of a record.
    pub(crate) fn key(&mut self, name: &str) -> Key {
        let guess = self.after[self.last];
        if guess != u16::MAX && text(guess) == name {
            self.last = usize::from(guess);
            return Key(Form::Shared(guess));
        }
        let number = self.numbers.get(name).copied().or_else(|| {
            let number = share(name)?;
            self.numbers.insert(text(number), number);
            Some(number)
        });
        let Some(number) = number else { return name.into() };
        self.after[self.last] = number;
        self.last = usize::from(number);
        Key(Form::Shared(number))
    }
}

impl Deref for Key {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Form::Shared(number) => text(*number),
            Form::Own(text) => text,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Shared(one), Form::Shared(other)) => one == other,
            _ => **self == **other,
        }
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(Form::Own(text.into()))
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(Form::Own(text.into()))
    }
}

impl From<Box<str>> for Key {
    fn from(text: Box<str>) -> Self {
        Self(Form::Own(text))
    }
}

impl From<Key> for Box<str> {
    fn from(key: Key) -> Self {
        match key.0 {
            Form::Shared(number) => text(number).into(),
            Form::Own(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_small_and_equal_however_they_were_made() {
        assert_eq!(size_of::<Key>(), 16);
        let mut names = Names::new(None);
        let record = ["uuid", "name_label", "power_state"];
        for _ in 0..3 {
            for name in record {
                let key = names.key(name);
                assert!(matches!(key.0, Form::Shared(_)));
                assert_eq!((&*key, &key), (name, &Key::from(name)));
                assert_eq!(key, Names::new(None).key(name));
            }
        }
        // Another order only costs a look.
        assert_eq!(&*names.key("uuid"), "uuid");
        let long = "x".repeat(LONGEST + 1);
        assert!(matches!(names.key(&long).0, Form::Own(_)));
    }
}
