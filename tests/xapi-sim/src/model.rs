//! The data model: classes, fields, messages, relations and enums, read once from `data/datamodel.json`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use crate::release::Since;

use serde::Deserialize;
use serde_json::{Value, json};

/// The reference that points nowhere.
pub const NULL: &str = "OpaqueRef:NULL";
/// The date that means "never".
pub const NEVER: &str = "19700101T00:00:00Z";

pub use crate::record::Record;

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let file: File =
        serde_json::from_str(include_str!("../data/datamodel.json")).expect("the file is part of this crate");
    Model::new(file)
});

/// Returns the data model.
pub fn model() -> &'static Model {
    &MODEL
}

/// A type of the interface description.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Text,
    Int,
    Float,
    Bool,
    Date,
    Void,
    Enum(Box<str>),
    Ref(Box<str>),
    Record(Box<str>),
    Set(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Option(Box<Type>),
}

impl Type {
    /// Reads `set(ref(VM))`, `map(string,enum vm_operations)`, ...
    fn parse(text: &str) -> Self {
        let inner = |name: &str| text.strip_prefix(name).and_then(|rest| rest.strip_suffix(')'));
        match text {
            "string" | "secretstring" => return Self::Text,
            "int" => return Self::Int,
            "float" => return Self::Float,
            "bool" => return Self::Bool,
            "datetime" => return Self::Date,
            "void" => return Self::Void,
            _ => {}
        }
        if let Some(name) = text.strip_prefix("enum ") {
            Self::Enum(name.into())
        } else if let Some(name) = inner("ref(") {
            Self::Ref(name.into())
        } else if let Some(name) = inner("record(") {
            Self::Record(name.into())
        } else if let Some(of) = inner("set(") {
            Self::Set(Box::new(Self::parse(of)))
        } else if let Some(of) = inner("option(") {
            Self::Option(Box::new(Self::parse(of)))
        } else if let Some(of) = inner("map(") {
            // The comma of the map itself is the first one outside parentheses.
            let mut depth = 0;
            let comma = of.char_indices().find(|(_, c)| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                *c == ',' && depth == 0
            });
            let (at, _) = comma.expect("a map names two types");
            Self::Map(Box::new(Self::parse(&of[..at])), Box::new(Self::parse(&of[at + 1..])))
        } else {
            Self::Text
        }
    }

    /// Returns the value a field of this type has when nothing else is known.
    pub fn empty(&self) -> Value {
        match self {
            Self::Text | Self::Void => json!(""),
            Self::Int => json!(0),
            Self::Float => json!(0.0),
            Self::Bool => json!(false),
            Self::Date => json!(NEVER),
            Self::Enum(name) => json!(model().enums.get(&**name).and_then(|v| v.first()).map_or("", String::as_str)),
            Self::Ref(_) => json!(NULL),
            Self::Record(_) | Self::Map(..) => json!({}),
            Self::Set(_) | Self::Option(_) => json!([]),
        }
    }
}

/// One field of a class.
#[derive(Debug)]
pub struct Field {
    pub ty: Type,
    pub default: Option<Value>,
    /// Never sent to clients.
    pub internal: bool,
    /// The release that brought it.
    pub since: Since,
}

/// One parameter of a message, the session not counted.
#[derive(Debug)]
pub struct Param {
    pub name: String,
    pub ty: Type,
    pub default: Option<Value>,
}

/// One message of a class.
#[derive(Debug)]
pub struct Message {
    pub params: Vec<Param>,
    pub result: Type,
    /// Has an `Async.` form.
    pub asynchronous: bool,
    /// Takes a session as its first parameter.
    pub session: bool,
    pub removed: bool,
    /// The release that brought it.
    pub since: Since,
}

/// One class.
#[derive(Debug)]
pub struct Class {
    pub name: String,
    /// Name in events and in `valid_ref_counts`.
    pub lower: String,
    pub events: bool,
    pub in_database: bool,
    /// Members that `create(struct)` demands; `None` when the class has no such constructor.
    pub constructor: Option<Vec<String>>,
    pub fields: BTreeMap<String, Field>,
    pub messages: BTreeMap<String, Message>,
}

/// `class.field` seen from the other end of a relation.
#[derive(Debug)]
pub struct Mirror {
    pub class: &'static str,
    pub field: &'static str,
}

/// All of it.
#[derive(Debug)]
pub struct Model {
    pub classes: BTreeMap<String, Class>,
    pub enums: HashMap<String, Vec<String>>,
    /// Names of alerts with their priorities.
    pub alerts: HashMap<String, i64>,
    /// Parameter names of the errors this crate raises.
    pub errors: HashMap<String, Vec<String>>,
    /// By class: the fields that are kept at another end too.
    mirrors: HashMap<String, Vec<(String, End)>>,
    /// By class: the sets that other ends fill.
    mirrored: HashMap<String, Vec<(String, End)>>,
}

/// The other end of a relation: class and field.
type End = (String, String);

impl Model {
    fn new(file: File) -> Self {
        let classes: BTreeMap<String, Class> =
            file.classes.into_iter().map(|(name, raw)| (name.clone(), raw.into_class(name))).collect();
        let (mut mirrors, mut mirrored): (HashMap<String, Vec<_>>, HashMap<String, Vec<_>>) = Default::default();
        for [a, f, b, g] in file.relations {
            // A few relations of the description name the same field twice; there is nothing to mirror.
            if a == b && f == g {
                continue;
            }
            let many = matches!(classes.get(&a).and_then(|c| c.fields.get(&f)), Some(Field { ty: Type::Set(_), .. }));
            mirrors.entry(a.clone()).or_default().push((f.clone(), (b.clone(), g.clone())));
            if many {
                mirrors.entry(b.clone()).or_default().push((g.clone(), (a.clone(), f.clone())));
            }
            mirrored.entry(b).or_default().push((g, (a, f)));
        }
        Self { classes, enums: file.enums, alerts: file.alerts, errors: file.errors, mirrors, mirrored }
    }

    /// Returns the class of this exact name.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.get(name)
    }

    /// Returns the relations that leave from `class`: its field and where the other end is kept.
    pub fn mirrors(&'static self, class: &str) -> impl Iterator<Item = (&'static str, Mirror)> {
        ends(self.mirrors.get(class))
    }

    /// Returns the relations that arrive at `class`: its set, and the field elsewhere that fills it.
    pub fn mirrored(&'static self, class: &str) -> impl Iterator<Item = (&'static str, Mirror)> {
        ends(self.mirrored.get(class))
    }

    /// Finds a message by its wire name without `Async.`: `VM.start`, or `VM_start`.
    pub fn message(&self, name: &str) -> Option<(&Class, &str, &Message)> {
        if let Some((class, message)) = name.split_once('.') {
            let class = self.classes.get(class)?;
            return class.messages.get_key_value(message).map(|(n, m)| (class, n.as_str(), m));
        }
        // Class names have underscores too, so try each cut.
        name.match_indices('_').find_map(|(at, _)| {
            let class = self.classes.get(&name[..at])?;
            class.messages.get_key_value(&name[at + 1..]).map(|(n, m)| (class, n.as_str(), m))
        })
    }
}

fn ends(of: Option<&'static Vec<(String, End)>>) -> impl Iterator<Item = (&'static str, Mirror)> {
    of.into_iter().flatten().map(|(own, (class, field))| (own.as_str(), Mirror { class, field }))
}

#[derive(Deserialize)]
struct File {
    enums: HashMap<String, Vec<String>>,
    relations: Vec<[String; 4]>,
    alerts: HashMap<String, i64>,
    errors: HashMap<String, Vec<String>>,
    classes: BTreeMap<String, RawClass>,
}

#[derive(Deserialize)]
struct RawClass {
    #[serde(default)]
    events: bool,
    #[serde(default)]
    in_database: bool,
    constructor: Option<Vec<String>>,
    fields: BTreeMap<String, RawField>,
    messages: BTreeMap<String, RawMessage>,
}

#[derive(Deserialize)]
struct RawField {
    #[serde(rename = "type")]
    ty: String,
    default: Option<Value>,
    #[serde(default)]
    internal: bool,
    #[serde(default)]
    since: String,
}

#[derive(Deserialize)]
struct RawMessage {
    params: Vec<Vec<Value>>,
    result: String,
    #[serde(default, rename = "async")]
    asynchronous: bool,
    #[serde(default = "yes")]
    session: bool,
    #[serde(default)]
    removed: bool,
    #[serde(default)]
    since: String,
}

fn yes() -> bool {
    true
}

impl RawClass {
    fn into_class(self, name: String) -> Class {
        let fields = self.fields.into_iter().map(|(name, raw)| {
            (
                name,
                Field {
                    ty: Type::parse(&raw.ty),
                    default: raw.default,
                    internal: raw.internal,
                    since: Since::parse(&raw.since),
                },
            )
        });
        let messages = self.messages.into_iter().map(|(name, raw)| {
            let params = raw.params.into_iter().map(|p| Param {
                name: p[0].as_str().unwrap_or_default().to_owned(),
                ty: Type::parse(p[1].as_str().unwrap_or_default()),
                default: p.get(2).cloned(),
            });
            let message = Message {
                params: params.collect(),
                result: Type::parse(&raw.result),
                asynchronous: raw.asynchronous,
                session: raw.session,
                removed: raw.removed,
                since: Since::parse(&raw.since),
            };
            (name, message)
        });
        Class {
            lower: name.to_lowercase(),
            events: self.events,
            in_database: self.in_database,
            constructor: self.constructor,
            fields: fields.collect(),
            messages: messages.collect(),
            name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read() {
        assert_eq!(Type::parse("set(ref(VM))"), Type::Set(Box::new(Type::Ref("VM".into()))));
        assert_eq!(
            Type::parse("map(ref(host),set(string))"),
            Type::Map(Box::new(Type::Ref("host".into())), Box::new(Type::Set(Box::new(Type::Text))))
        );
        // An unknown type would be read as text; nothing in the description may end there by accident.
        for class in model().classes.values() {
            for message in class.messages.values() {
                if let Type::Record(of) = &message.result {
                    assert!(model().class(of).is_some(), "{of}");
                }
            }
        }
    }

    #[test]
    fn messages_are_found_in_both_spellings() {
        for (name, class, message) in [
            ("VM.start", "VM", "start"),
            ("VM_start", "VM", "start"),
            ("VM_guest_metrics_get_all", "VM_guest_metrics", "get_all"),
            ("event_from", "event", "from"),
        ] {
            let (c, m, _) = model().message(name).expect(name);
            assert_eq!((c.name.as_str(), m), (class, message));
        }
        assert!(model().message("VM.dance").is_none());
    }

    #[test]
    fn relations_are_seen_from_both_ends() {
        let vbd: Vec<_> = model().mirrors("VBD").map(|(f, m)| (f, m.class, m.field)).collect();
        assert!(vbd.contains(&("VM", "VM", "VBDs")) && vbd.contains(&("VDI", "VDI", "VBDs")));
        let vm: Vec<_> = model().mirrored("VM").map(|(f, m)| (f, m.class, m.field)).collect();
        assert!(vm.contains(&("VBDs", "VBD", "VM")));
        // Many to many is kept at both ends.
        assert!(model().mirrors("pool_update").any(|(f, m)| (f, m.class, m.field) == ("hosts", "host", "updates")));
        assert!(model().mirrors("host").any(|(f, m)| (f, m.class, m.field) == ("updates", "pool_update", "hosts")));
    }
}
