//! What must hold for whatever text comes as a filter. Driven by `tests/fuzz`, and by the test below with its corpus.

use serde_json::json;

use crate::Filter;
use crate::filter::MAX_LENGTH;

/// A filter: its canonical text parses to the same tree, and means the same.
pub fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(filter) = Filter::parse(text) else { return };
    let canonical = filter.canonical();
    // Quotes and escapes make it longer.
    if canonical.len() > MAX_LENGTH {
        return;
    }
    let again = Filter::parse(&canonical).unwrap_or_else(|error| panic!("{canonical:?}: {error}"));
    assert_eq!(filter.ast(), again.ast(), "{canonical:?} has another tree");
    assert_eq!(again.canonical(), canonical, "the canonical text is its own canonical text");
    let objects = [
        json!({ "type": "VM", "id": "a1", "name_label": "web-01", "power_state": "Running", "tags": ["prod", "web=front"],
            "CPUs": { "number": 2, "max": 4 }, "memory": { "dynamic": [1, 2], "size": 2_147_483_648_u64 }, "auto_poweron": true,
            "high_availability": "", "startTime": 1.5, "affinityHost": null }),
        json!(["a", 1, null, [true, { "b": "c" }]]),
        json!("web-01"),
    ];
    for object in objects {
        let (one, other) = (filter.matches_value(&object), again.matches_value(&object));
        // Who ran out of steps may have ended anywhere.
        if filter.check().is_ok() && again.check().is_ok() {
            assert_eq!(one, other, "{canonical:?} means something else for {object}");
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn corpus_of_filter() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/filter");
        let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for file in files {
            let path = file.expect("a file").path();
            // Shown if it fails.
            println!("{}", path.display());
            super::filter(&std::fs::read(&path).expect("a readable file"));
            count += 1;
        }
        assert!(count > 10, "{} has {count} files", folder.display());
    }
}
