//! The filter language against the vectors, against itself, and on objects as they are.

use model::Kind;
use model::object::{contains, pattern_matches};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::support::{connected, modern, recorded};
use crate::filter::{Filter, FilterError, MAX_DEPTH, MAX_LENGTH, Node, Operator};

/// See "about" in the file for where they come from.
fn vectors() -> Json {
    serde_json::from_str(include_str!("filter-vectors.json")).expect("the vectors are JSON")
}

fn list<'a>(vectors: &'a Json, name: &str) -> &'a Vec<Json> {
    vectors[name].as_array().expect("a list")
}

fn tree(node: &Node) -> Json {
    let children = |nodes: &[Node]| nodes.iter().map(tree).collect::<Vec<_>>();
    match node {
        Node::Null => json!({ "type": "null" }),
        Node::And(nodes) => json!({ "type": "and", "children": children(nodes) }),
        Node::Or(nodes) => json!({ "type": "or", "children": children(nodes) }),
        Node::Not(child) => json!({ "type": "not", "child": tree(child) }),
        Node::Property { name, child } => json!({ "type": "property", "name": name, "child": tree(child) }),
        Node::Truthy(name) => json!({ "type": "truthy", "name": name }),
        Node::Comparison(operator, value) => {
            json!({ "type": "comparison", "operator": operator.as_str(), "value": *value as i64 })
        }
        Node::Text(value) => json!({ "type": "string", "value": value }),
        Node::NumberOrText(value) => json!({ "type": "number_or_string", "value": value }),
        Node::Glob(value) => json!({ "type": "glob", "value": value }),
        Node::RegExp { source, ignore_case } => {
            json!({ "type": "regexp", "source": source, "flags": if *ignore_case { "i" } else { "" } })
        }
    }
}

#[test]
fn filters_do_as_the_vectors_say() {
    let vectors = vectors();
    let cases = list(&vectors, "match");
    assert_eq!(cases.len(), 92);
    for case in cases {
        let text = case["filter"].as_str().expect("a filter");
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let object = &vectors["objects"][case["object"].as_u64().expect("an index") as usize];
        assert_eq!(filter.matches_value(object), case["expected"], "{text} of {object}");
        assert_eq!(filter.canonical(), case["canonical"], "{text}");
        assert_eq!(tree(filter.ast()), case["ast"], "{text}");
        assert_eq!(Filter::parse(&filter.canonical()).expect("parses").ast(), filter.ast(), "{text}");
    }
}

#[test]
fn what_is_no_filter_is_refused_in_the_words_of_the_vectors() {
    let vectors = vectors();
    let cases = list(&vectors, "parse");
    assert_eq!(cases.len(), 12);
    for case in cases {
        let text = case["filter"].as_str().expect("a filter");
        let error = Filter::parse(text).expect_err(text);
        assert_eq!(error.to_string(), case["message"], "{text}");
    }
}

#[test]
fn patterns_do_as_the_vectors_say() {
    let vectors = vectors();
    let cases = list(&vectors, "object_patterns");
    assert_eq!(cases.len(), 18);
    for case in cases {
        let (pattern, object) =
            (&case["pattern"], &vectors["objects"][case["object"].as_u64().expect("an index") as usize]);
        assert_eq!(pattern_matches(object, pattern), case["value_matcher"], "{pattern} of {object}");
        assert_eq!(contains(object, pattern), case["lodash_matches"], "{pattern} of {object}");
    }
}

/// Filters of all sorts for real objects.
const FILTERS: &[&str] = &[
    "",
    "xen",
    "Running",
    "type:VM",
    "type:/^VM$/",
    "type:host",
    "!type:VM",
    "|(type:SR type:network) name_label:*a*",
    "type:VM power_state:Running CPUs:number:>=2",
    "memory:size:<=2147483648",
    "memory:static:0:>0",
    "memory?",
    "tags:length:0",
    "tags:length:>0",
    "!tags?",
    "auto_poweron?",
    "boot:order:/^[cd]+$/",
    "other:mac_seed?",
    "other:\"mac_seed\":*-*",
    "$VBDs:length:>=2",
    "VIFs:0?",
    "affinityHost:!x",
    "os_version:name:windows",
    "os_version:!x",
    "snapshot_time:>1e9",
    "missing:!x",
    "missing:!!x",
    "!missing?",
    "uuid:length:36",
    "id:0:/[0-9a-f]/",
    "12",
    "cpus:cores:2",
    "current_operations:>0",
    "xenTools:major:>5",
    "$VBDs:>=0",
    "bios_strings:dell",
    "patches:name:x",
    "position:0",
    "attached? bootable?",
    "name_label:\"\"",
    "(a|b)?",
    "addresses:10.80*",
    "$pool:-",
    "CPUs:>0",
    "physical_usage:>=0 shared?",
];

#[test]
fn objects_match_as_their_json_does() {
    let pools = ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels", "xs61-pool2-snapshots"];
    let pools = pools.iter().map(|name| recorded(name)).chain([modern()]);
    let filters: Vec<_> = FILTERS.iter().filter_map(|text| Filter::parse(text).ok()).collect();
    assert_eq!(filters.len(), FILTERS.len() - 1, "one is no filter");
    let mut hits = vec![[false; 2]; filters.len()];
    for pool in pools {
        let (inventory, _writer) = connected(&pool);
        for object in inventory.snapshot().iter() {
            let json: Json = serde_json::from_str(&object.to_json()).expect("objects are JSON");
            for (filter, hits) in filters.iter().zip(&mut hits) {
                let matches = filter.matches(object);
                assert_eq!(matches, filter.matches_value(&json), "{filter:?} of {json}");
                hits[usize::from(matches)] = true;
            }
        }
    }
    let undecided: Vec<_> = filters.iter().zip(hits).filter(|(_, hits)| *hits != [true; 2]).collect();
    // Those that match everything or, in these pools, nothing; all others tell objects apart.
    println!("{undecided:?}");
    assert!(undecided.len() <= 12, "{undecided:?}");
}

#[test]
fn values_compare_as_in_javascript() {
    let object = json!({
        "number": 5, "text": "7", "yes": true, "no": false, "null": null, "empty": "", "list": [5], "none": [], "two": [1, 2],
        "map": {}, "nested": { "a": [{ "b": "deep" }] }, "word": "straße", "texts": ["12", 12.5],
    });
    let yes = "number:>4 text:>6 yes:>0 no:<1 null:<=0 empty:<1 list:>=5 none:<1 number:5 list:5 texts:12 texts:12.5 yes? list?
        none? map? !no? !null? !empty? nested:deep nested:a:0:b:deep nested:a:length:1 word:STRA* word:length:6 word:0:s
        !two:>0 !map:>0 !null:x !null:y:!x missing:!x !missing:y:!x !yes:true !number:\"5\" two:2 text:/^7$/ !texts:/^12\\.5$/
        deep !word:9? number:!x:y !number:x?";
    for term in yes.split_whitespace() {
        assert!(Filter::parse(term).expect(term).matches_value(&object), "{term}");
    }
}

#[test]
fn the_type_rules_kinds_out() {
    let kinds = |text: &str| {
        let filter = Filter::parse(text).expect(text);
        Kind::ALL.iter().filter(|kind| filter.may_match(**kind)).map(|kind| kind.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(kinds("type:/^VM$/ power_state:Running"), ["VM"]);
    assert_eq!(kinds("type:VM"), ["VM", "VM-template", "VM-snapshot", "VM-controller"]);
    assert_eq!(kinds("type:|(/^SR$/ host)"), ["host", "SR"]);
    assert_eq!(kinds("|(type:VM a)"), kinds(""));
    assert_eq!(kinds("type? type:!type:x"), kinds(""));
}

#[test]
fn size_and_depth_are_bounded() {
    let deep = |depth: usize| format!("{}a", "!".repeat(depth - 1));
    assert!(Filter::parse(&deep(MAX_DEPTH)).is_ok());
    assert_eq!(Filter::parse(&deep(MAX_DEPTH + 1)).err(), Some(FilterError::TooDeep));
    assert_eq!(Filter::parse(&"a:".repeat(MAX_DEPTH + 1)).err(), Some(FilterError::TooDeep));
    assert_eq!(Filter::parse(&"(".repeat(MAX_DEPTH + 1)).err(), Some(FilterError::TooDeep));
    assert!(Filter::parse(&"a ".repeat(MAX_LENGTH / 2)).is_ok());
    assert_eq!(Filter::parse(&"a".repeat(MAX_LENGTH + 1)).err(), Some(FilterError::TooLong));
}

#[test]
fn an_expression_that_takes_too_long_makes_the_filter_wrong() {
    let filter = Filter::parse(r"x:/^(a|aa)+\1$/").expect("parses");
    assert!(filter.matches_value(&json!({ "x": "aaaa" })) && filter.check().is_ok());
    assert!(!filter.matches_value(&json!({ "x": format!("{}b", "a".repeat(200)) })));
    assert_eq!(filter.check(), Err(FilterError::Overrun));
}

#[test]
fn expressions_that_are_none_are_refused() {
    let error = Filter::parse("a:/(/").expect_err("no expression");
    assert_eq!(error.to_string(), "Invalid regular expression: /(/: Unterminated group");
    // At once, wherever it stands.
    assert_eq!(Filter::parse("(a:/(/").err(), Some(error));
    assert_eq!(Filter::parse("(a >x").err(), Some(FilterError::NotANumber));
}

fn nodes() -> impl Strategy<Value = Node> {
    let name = || prop_oneof!["[a-zé$_.0-9-]{1,6}", "[ -~]{0,6}", "\\PC{0,4}"];
    let number = prop_oneof![any::<i32>().prop_map(f64::from), any::<f64>().prop_filter("a number", |n| !n.is_nan())];
    use Operator::{Greater, GreaterOrEqual, Less, LessOrEqual};
    let operator = prop::sample::select(vec![Greater, GreaterOrEqual, Less, LessOrEqual]);
    let leaf = prop_oneof![
        name().prop_map(Node::Text),
        name().prop_map(Node::Truthy),
        (operator, number).prop_map(|(operator, number)| Node::Comparison(operator, number)),
        "-?[0-9]{1,5}(\\.[0-9]{1,3})?|0x[0-9a-f]{1,4}|Infinity".prop_map(Node::NumberOrText),
        "[a-z.-]{0,3}\\*[a-zÅ*]{0,3}".prop_map(Node::Glob),
        ("(\\\\/|\\^|[a-z. ]|\\\\d|\\[a-c\\]){1,5}", any::<bool>())
            .prop_map(|(source, ignore_case)| Node::RegExp { source, ignore_case }),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let many = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            many.clone().prop_map(Node::And),
            many.prop_map(Node::Or),
            inner.clone().prop_map(|child| Node::Not(child.into())),
            (name(), inner).prop_map(|(name, child)| Node::Property { name, child: child.into() }),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_text_reads_as_the_same_tree(node in nodes()) {
        let text = node.to_string();
        let filter = Filter::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(filter.ast(), &node);
        prop_assert_eq!(filter.canonical(), text);
    }

    #[test]
    fn no_text_is_too_much(text in "([ -~]|[a(|!:)/\"\\\\*?<>{}\\[\\]^$.0-9 ]|\\PC){0,40}") {
        if let Ok(filter) = Filter::parse(&text) {
            let again = Filter::parse(&filter.canonical()).expect("canonical text parses");
            prop_assert_eq!(again.ast(), filter.ast());
            filter.matches_value(&json!({ "a": ["b", { "c": text }], "length": 1 }));
        }
    }
}
