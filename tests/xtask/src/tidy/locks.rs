//! Lock files must be good for everybody: no address of one machine's registry in them, and nothing left out.

use serde_json::Value;

use super::tree::Tree;
use super::{Finding, wrong};

/// The one source of crates, by the name cargo has for it whatever mirror a machine uses.
const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let Some(text) = &file.text else { continue };
        match file.name() {
            "Cargo.lock" => findings.extend(cargo(&file.path, text)),
            "package-lock.json" => findings.extend(npm(&file.path, text)),
            "package.json" => {
                let lock = file.path.replace("package.json", "package-lock.json");
                // A template is for authors: they make the lock.
                if tree.text(&lock).is_none() && !file.path.starts_with("sdk/") && !file.is_made() {
                    findings.push(wrong(format!(
                        "{} has no package-lock.json beside it. Run `npm install` there.",
                        file.path
                    )));
                }
            }
            _ => {}
        }
    }
    findings
}

fn cargo(path: &str, text: &str) -> Vec<Finding> {
    let sources = text.lines().filter_map(|line| line.strip_prefix("source = \"")?.strip_suffix('"'));
    let mut strange: Vec<&str> = sources.filter(|source| *source != CRATES).collect();
    strange.dedup();
    let say = |source| wrong(format!("{path} has a crate from {source}. Crates come from crates.io; find one there."));
    strange.into_iter().map(say).collect()
}

fn npm(path: &str, text: &str) -> Vec<Finding> {
    let Ok(lock) = serde_json::from_str::<Value>(text) else {
        return vec![wrong(format!("{path} is not JSON. Make it again with `npm install`."))];
    };
    let Some(packages) = lock["packages"].as_object() else {
        return vec![wrong(format!("{path} has no packages. Make it again with `npm install` (npm 7 or newer)."))];
    };
    let mut findings = Vec::new();
    if packages.values().any(|package| package["resolved"].as_str().is_some_and(|url| url.starts_with("http"))) {
        findings.push(wrong(format!(
            "{path} holds addresses of a registry. Put `omit-lockfile-registry-resolved=true` into the .npmrc beside it, \
             delete the lock and run `npm install`."
        )));
    }
    // npm leaves out what the registry did not have for some platform, and then `npm ci` refuses the lock.
    for (folder, package) in packages {
        for name in package["optionalDependencies"].as_object().into_iter().flat_map(|map| map.keys()) {
            let entry = format!("node_modules/{name}");
            if !packages.keys().any(|key| key == &entry || key.ends_with(&format!("/{entry}"))) {
                findings.push(wrong(format!(
                    "{path} lacks {name}, an optional part of {folder}: `npm ci` will refuse it. Pin a version of {folder} \
                     whose parts the registry has, then run `npm install`."
                )));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_files() {
        let registry = format!("[[package]]\nname = \"serde\"\nsource = \"{CRATES}\"\n");
        for (path, text, wanted) in [
            ("Cargo.lock", registry.as_str(), ""),
            (
                "plugins/Cargo.lock",
                "source = \"git+https://example.org/x#1\"",
                "plugins/Cargo.lock has a crate from git+",
            ),
            ("web/package-lock.json", r#"{"packages": {"": {}, "node_modules/a": {"integrity": "x"}}}"#, ""),
            (
                "web/package-lock.json",
                r#"{"packages": {"node_modules/a": {"resolved": "https://r.example/a.tgz"}}}"#,
                "web/package-lock.json holds addresses",
            ),
            (
                "web/package-lock.json",
                r#"{"packages": {"node_modules/a": {"optionalDependencies": {"@a/x": "1"}}}}"#,
                "web/package-lock.json lacks @a/x, an optional part of node_modules/a",
            ),
            (
                "web/package-lock.json",
                r#"{"packages": {"node_modules/a": {"optionalDependencies": {"@a/x": "1"}}, "node_modules/a/node_modules/@a/x": {}}}"#,
                "",
            ),
            ("web/package-lock.json", "{", "web/package-lock.json is not JSON"),
            ("web/package.json", "{}", "web/package.json has no package-lock.json"),
            ("sdk/templates/js/package.json", "{}", ""),
        ] {
            let found = check(&Tree::of(&[(path, text)]));
            match wanted {
                "" => assert!(found.is_empty(), "{path}: {found:?}"),
                wanted => {
                    assert!(
                        matches!(&found[..], [Finding::Wrong(text)] if text.starts_with(wanted)),
                        "{path}: {found:?}"
                    );
                }
            }
        }
        assert!(
            check(&Tree::of(&[("web/package.json", "{}"), ("web/package-lock.json", r#"{"packages": {}}"#)]))
                .is_empty()
        );
    }
}
