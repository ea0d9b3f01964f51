//! Tests of the shapes that need no translation; whole objects are tested in `inventory`, from recorded pools.

use serde_json::json;

use super::*;

fn vbd() -> Object {
    Object::from(Vbd {
        head: Head::new("b".into(), Kind::Vbd, "p".into(), text("OpaqueRef:1")),
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
    Object::from(Network {
        head: Head::new("n".into(), Kind::Network, "p".into(), text("OpaqueRef:2")),
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
    })
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
fn maps_are_packed_as_serde_writes_them() {
    for pairs in [
        vec![],
        vec![("b", "1"), ("a", "2"), ("b", "3"), ("c", "")],
        vec![("a\"b", "c\\d"), ("\n", "\u{1}\u{7f}\u{fc}"), ("", "\u{1f980}")],
    ] {
        let sorted: std::collections::BTreeMap<&str, &str> = pairs.iter().copied().collect();
        let packed = Packed::map(pairs.iter().copied());
        assert_eq!(packed.as_json(), serde_json::to_string(&sorted).expect("is JSON"));
        assert_eq!(packed, Packed::written(packed.as_json()));
    }
}

#[test]
fn views_select_and_add() {
    let fields = ["name_label".to_owned(), "nbd".to_owned(), "MTU".to_owned()];
    let text = serde_json::to_string(&network().view(Some(&fields), &[("href", "/x")])).expect("serialises");
    assert_eq!(text, r#"{"name_label":"net","MTU":1500,"href":"/x"}"#);
}

#[test]
fn default_templates_know_their_uuid() {
    let head = Head::new("p-1".into(), Kind::VmTemplate, "p".into(), text("r"));
    assert_eq!(head.uuid(), "1");
    let head = Head::new("p".into(), Kind::Pool, "p".into(), text("r"));
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
    assert!(size_of::<Object>() <= 16, "{} bytes", size_of::<Object>());
}

#[test]
fn what_is_kept_is_no_part_of_the_object() {
    let total = std::sync::Arc::default();
    let (object, mut json) = (vbd(), Vec::new());
    let value_at = object.write_entry(&mut json);
    object.written().set(Written::new(&json, value_at, &total));
    let kept = object.written().load();
    let kept = kept.as_ref().expect("just kept");
    assert_eq!(kept.entry(), format!("\"b\":{}", object.to_json()).as_bytes());
    assert_eq!(kept.value(), object.to_json().as_bytes());
    assert_eq!(object, vbd());
    assert!(object.clone().written().is_empty());
}

#[test]
fn what_is_kept_goes_with_the_object() {
    let total = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let size = || total.load(std::sync::atomic::Ordering::Relaxed);
    let object = vbd();
    object.written().set(Written::new(b"\"b\":{}", 4, &total));
    assert_eq!(size(), Written::cost(6));
    object.written().clear();
    assert_eq!(size(), 0);
    object.written().set(Written::new(b"\"b\":{}", 4, &total));
    drop(object);
    assert_eq!(size(), 0);
}
