//! The hash of a record: SHA-256 over a text in which nothing can be mistaken for something else, in the form of the log that
//! Xen Orchestra's audit plugin writes (that of the library object-hash), so that its records can be checked, too.
//!
//! One thing is different: there, what is called `id` is left out wherever it stands, so that nobody notices when the id of the
//! VM that was deleted is changed. Here only the record's own id is, which is the hash itself.

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

/// What an id begins with: SHA-256 in the words of crypt(3), with no salt.
const MARK: &str = "$5$$";

/// What is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Omit {
    /// The id of the record itself.
    OwnId,
    /// Everything that is called `id`.
    #[cfg(test)]
    EveryId,
}

/// Returns the id of a record: that of all it says but for the id itself.
pub(super) fn id_of(record: &Map<String, Value>) -> String {
    mark(&text_of(record, Omit::OwnId))
}

fn mark(text: &str) -> String {
    let digits = digest(&SHA256, text.as_bytes());
    digits.as_ref().iter().fold(MARK.to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

/// Returns what is hashed.
fn text_of(record: &Map<String, Value>, omit: Omit) -> String {
    let mut writer = Writer { out: String::new(), omit, is_first: true };
    writer.object(record, true);
    writer.out
}

struct Writer {
    out: String,
    omit: Omit,
    /// Whether the first object is still to come: what all objects have in common is spelt out there and then pointed to.
    is_first: bool,
}

/// What JavaScript's objects have beside their members.
const CONSTRUCTOR: &str = "string:11:constructor:fn:string:8:[native]string:20:function-name:Object";

impl Writer {
    fn object(&mut self, members: &Map<String, Value>, is_record: bool) {
        let is_omitted = |name: &str| {
            name == "id"
                && match self.omit {
                    Omit::OwnId => is_record,
                    #[cfg(test)]
                    Omit::EveryId => true,
                }
        };
        let mut members: Vec<(&String, &Value)> = members.iter().filter(|(name, _)| !is_omitted(name)).collect();
        members.sort_unstable_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
        self.out.push_str(&format!("object:{}:string:9:prototype:Undefined,string:9:__proto__:", members.len() + 3));
        if std::mem::take(&mut self.is_first) {
            let common = "object:3:string:9:prototype:Undefined,string:9:__proto__:Null,";
            self.out.push_str(&format!("{common}{CONSTRUCTOR}object:0:,,"));
        } else {
            self.out.push_str("string:12:[CIRCULAR:1],");
        }
        self.out.push_str(CONSTRUCTOR);
        self.out.push_str("string:12:[CIRCULAR:2],");
        for (name, value) in members {
            self.text(name);
            self.out.push(':');
            self.value(value);
            self.out.push(',');
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.push_str("Null"),
            Value::Bool(flag) => self.out.push_str(&format!("bool:{flag}")),
            Value::Number(number) => {
                // Whole numbers have no fraction in JavaScript.
                let whole =
                    number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15);
                match whole {
                    Some(float) => self.out.push_str(&format!("number:{}", float as i64)),
                    None => self.out.push_str(&format!("number:{number}")),
                }
            }
            Value::String(text) => self.text(text),
            Value::Array(values) => {
                self.out.push_str(&format!("array:{}:", values.len()));
                values.iter().for_each(|value| self.value(value));
            }
            Value::Object(members) => self.object(members, false),
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(&format!("string:{}:{text}", text.encode_utf16().count()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("vectors.json")).unwrap()
    }

    /// What their plugin would say.
    fn theirs(record: &Value) -> (String, String) {
        let text = text_of(record.as_object().unwrap(), Omit::EveryId);
        (mark(&text), text)
    }

    #[test]
    fn records_of_the_other_log_have_their_ids() {
        let vectors = vectors();
        for (record, text) in
            vectors["records"].as_array().unwrap().iter().zip(vectors["serialized"].as_array().unwrap())
        {
            let (id, found) = theirs(record);
            assert_eq!(found, text.as_str().unwrap());
            assert_eq!(id, record["id"].as_str().unwrap());
        }
    }

    #[test]
    fn what_they_overlook_is_seen_here() {
        let vectors = vectors();
        let [first, overlooked, seen] =
            ["/records/0", "/tampered_undetected", "/tampered_detected"].map(|path| vectors.pointer(path).unwrap());
        assert_eq!(theirs(first).0, theirs(overlooked).0);
        assert_ne!(theirs(first).0, theirs(seen).0);
        let ours = [first, overlooked, seen].map(|record| id_of(record.as_object().unwrap()));
        assert!(ours[0] != ours[1] && ours[0] != ours[2] && ours[1] != ours[2]);
    }
}
