//! Tests of the shapes that need no translation; whole objects are tested in `inventory`, from recorded pools.

use serde_json::json;

use super::*;

fn vbd() -> Object {
    Object::Vbd(Vbd {
        head: Head { id: "b".into(), kind: Kind::Vbd, pool: "p".into(), reference: text("OpaqueRef:1") },
        attached: true,
        bootable: false,
        device: None,
        is_cd_drive: false,
        position: text("0"),
        read_only: false,
        vdi: None,
        vm: Some("v".into()),
    })
}

fn network() -> Object {
    Object::Network(Box::new(Network {
        head: Head { id: "n".into(), kind: Kind::Network, pool: "p".into(), reference: text("OpaqueRef:2") },
        name_label: text("net"),
        name_description: text(""),
        tags: [text("a"), text("b")].into(),
        automatic: true,
        bridge: text("xenbr0"),
        current_operations: Packed::empty(),
        default_is_locked: false,
        mtu: 1500,
        other_config: Packed::map([("z", "1"), ("automatic", "true")]),
        pifs: [Some("x".into()), None].into_iter().collect(),
        vifs: Refs::default(),
        nbd: None,
        insecure_nbd: Some(false),
        is_bonded: false,
    }))
}

#[test]
fn absent_and_null_differ() {
    assert_eq!(
        vbd().to_json(),
        r#"{"id":"b","type":"VBD","uuid":"b","$pool":"p","$poolId":"p","_xapiRef":"OpaqueRef:1","attached":true,"bootable":false,"device":null,"is_cd_drive":false,"position":"0","read_only":false,"VM":"v"}"#
    );
}

#[test]
fn maps_are_sorted_and_unknown_elements_null() {
    let value = serde_json::to_value(network()).expect("serialises");
    assert_eq!(value["other_config"], json!({"automatic": "true", "z": "1"}));
    assert_eq!(value["PIFs"], json!(["x", null]));
    assert!(network().to_json().contains(r#""other_config":{"automatic":"true","z":"1"}"#));
}

#[test]
fn views_select_and_add() {
    let fields = ["name_label".to_owned(), "nbd".to_owned(), "MTU".to_owned()];
    let text = serde_json::to_string(&network().view(Some(&fields), &[("href", "/x")])).expect("serialises");
    assert_eq!(text, r#"{"name_label":"net","MTU":1500,"href":"/x"}"#);
}

#[test]
fn default_templates_know_their_uuid() {
    let head = Head { id: "p-1".into(), kind: Kind::VmTemplate, pool: "p".into(), reference: text("r") };
    assert_eq!(head.uuid(), "1");
    let head = Head { id: "p".into(), kind: Kind::Pool, pool: "p".into(), reference: text("r") };
    assert_eq!(head.uuid(), "p");
}

#[test]
fn patterns_match_like_lodash() {
    for (pattern, expected) in [
        (json!({}), true),
        (json!(null), true),
        (json!({"type": "network"}), true),
        (json!({"type": "VM"}), false),
        (json!({"type": {"__or": ["network"]}}), false),
        (json!({"tags": ["b"]}), true),
        (json!({"tags": ["b", "a"]}), true),
        (json!({"tags": ["a", "a"]}), false),
        (json!({"tags": []}), true),
        (json!({"tags": {}}), false),
        (json!({"other_config": {"z": "1"}}), true),
        (json!({"other_config": {"z": 1}}), false),
        (json!({"other_config": {}}), true),
        (json!({"MTU": 1500}), true),
        (json!({"MTU": 1500.0}), true),
        (json!({"MTU": "1500"}), false),
        (json!({"nbd": null}), false),
        (json!({"insecureNbd": false}), true),
        (json!({"PIFs": [null]}), true),
        (json!({"absent": "x"}), false),
        (json!({"id": "n", "$pool": "p", "automatic": true}), true),
    ] {
        assert_eq!(network().matches(&pattern), expected, "{pattern}");
    }
}

#[test]
fn kinds_are_words() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse::<Kind>(), Ok(*kind));
        assert_eq!(Kind::ALL[kind.index()], *kind);
    }
}

#[test]
fn small_objects_stay_small() {
    assert!(size_of::<Object>() <= 192, "{} bytes", size_of::<Object>());
}
