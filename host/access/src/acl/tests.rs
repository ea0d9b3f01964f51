//! The published vectors of Xen Orchestra's resolver, and what they do not cover.

use std::collections::BTreeMap;
use std::str::FromStr;

use model::{Entry, Kind, Rights};
use serde_json::Value;

use super::*;

impl Linked for Value {
    fn kind(&self) -> Kind {
        Kind::from_str(self["type"].as_str().unwrap()).unwrap()
    }

    fn link(&self, link: Link) -> Option<&str> {
        let names: &[&str] = match link {
            Link::Pool => &["$pool"],
            Link::Container => &["$container"],
            Link::Host => &["$host", "host"],
            Link::SnapshotOf => &["$snapshot_of"],
            Link::Sr => &["$SR", "SR"],
            Link::Vdi => &["VDI"],
            Link::Vm => &["$VM", "VM", "vm"],
            Link::Network => &["$network"],
            Link::Subject => &["$object"],
        };
        names.iter().find_map(|name| self[name].as_str())
    }

    fn holds_discs(&self) -> bool {
        self["content_type"] == "iso"
    }

    fn is_drive(&self) -> bool {
        self["is_cd_drive"] == true
    }

    fn links(&self, links: Links) -> impl Iterator<Item = &str> {
        let name = if links == Links::Vbds { "$VBDs" } else { "PUSBs" };
        self[name].as_array().into_iter().flatten().filter_map(Value::as_str)
    }
}

impl Graph for BTreeMap<String, Value> {
    type Object = Value;

    fn object(&self, id: &str) -> Option<&Value> {
        self.get(id)
    }
}

fn action(word: &str) -> Action {
    *Action::ALL.iter().find(|action| action.as_str() == word).unwrap()
}

#[test]
fn every_vector() {
    let file: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let graph: BTreeMap<String, Value> = serde_json::from_value(file["objects"].clone()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let vectors = file["vectors"].as_array().unwrap();
    for vector in vectors {
        let user = &file["users"][vector["user"].as_str().unwrap()];
        let groups = user["groups"].as_array().unwrap().iter();
        let subjects: Vec<&str> = std::iter::once(&user["id"]).chain(groups).filter_map(Value::as_str).collect();
        let acls: Vec<[String; 3]> = vector["acls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|acl| [text(&acl["subject"]), text(&acl["object"]), text(&acl["action"])])
            .collect();
        let entries = acls.iter().map(|[subject, object, action]| Entry { subject, object, action });
        let rights = Rights::of(&subjects, entries);
        let queries = vector["query"].as_array().unwrap();
        let allowed = user["permission"] == "admin"
            || queries.iter().all(|query| {
                let (object, permission) = (text(&query["object"]), text(&query["permission"]));
                allows(&rights, &graph, &object, action(&permission))
            });
        // Where the resolver raises "no such object" the answer here is no.
        assert_eq!(allowed, vector["allowed"].as_bool().unwrap_or(false), "{vector}");
    }
    assert_eq!(vectors.len(), 58);
}

#[test]
fn broken_records_end_the_walk() {
    let object = |kind: &str, of: &str| serde_json::json!({ "type": kind, "$container": of });
    let graph: BTreeMap<String, Value> =
        [("a", "b"), ("b", "a"), ("c", "c")].map(|(id, of)| (id.to_owned(), object("VM", of))).into();
    let rights = Rights::of(&["me"], [Entry { subject: "me", object: "z", action: "admin" }]);
    for id in ["a", "b", "c", "z"] {
        assert!(!allows(&rights, &graph, id, Action::View), "{id}");
    }
}

#[test]
fn equal_rights_have_equal_keys_whatever_the_way_there() {
    let entry = |object, action| Entry { subject: "me", object, action };
    let one = Rights::of(&["me"], [entry("a", "viewer"), entry("b", "operator"), entry("c", "bogus")]);
    let same = Rights::of(&["me"], [entry("b", "operate"), entry("b", "view"), entry("a", "view")]);
    let other = Rights::of(&["me"], [entry("a", "operator"), entry("b", "operator")]);
    assert_eq!((one.key(), &one), (same.key(), &same));
    assert_ne!(one.key(), other.key());
    let offered = |objects: &[&'static str]| Rights::default().offering(objects.iter().copied());
    assert_eq!(offered(&["a", "b"]), offered(&["b", "a", "b"]));
    assert_ne!(offered(&["a"]), offered(&["b"]));
    assert!(offered(&[]).is_empty() && !offered(&["a"]).is_empty());
}

#[test]
fn a_disc_in_a_drive_is_seen_and_not_owned() {
    let graph: BTreeMap<String, Value> = serde_json::from_value(serde_json::json!({
        "vm": { "type": "VM", "$container": "pool" },
        "drive": { "type": "VBD", "VM": "vm", "VDI": "disc", "is_cd_drive": true },
        "place": { "type": "VBD", "VM": "vm", "VDI": "disk", "is_cd_drive": false },
        "disc": { "type": "VDI", "$SR": "sr", "$VBDs": ["drive"] },
        "disk": { "type": "VDI", "$SR": "sr", "$VBDs": ["place"] },
    }))
    .unwrap();
    let rights = Rights::of(&["me"], [Entry { subject: "me", object: "vm", action: "admin" }]);
    for (id, owned) in [("disk", true), ("place", true), ("disc", false), ("drive", false)] {
        assert!(allows(&rights, &graph, id, Action::View), "{id}");
        for action in [Action::Operate, Action::Administrate] {
            assert_eq!(allows(&rights, &graph, id, action), owned, "{id} {action}");
        }
    }
}
