//! Imports go down a floor, never up, never sideways; and some libraries live under one roof only.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Finding, wrong};

/// Libraries and the crates of the workspace that may name them. `.deny.toml` says the same of third-party carriers;
/// this one speaks before anything is built, and says why.
const ROOFS: &[(&str, &[&str], &str)] = &[
    ("wasmtime", &["plugin-runtime"], "Let plugin-runtime offer what you need."),
    ("ldap3", &["plugin-runtime"], "Directories are reached through the `ldap` capability of plugin-runtime."),
    ("axum", &["api", "daemon"], "HTTP ends in api; app and below never see it."),
    ("redb", &["store"], "Use the key-value API of store."),
    ("quick-xml", &["xapi", "xapi-sim"], "Use xapi::xml."),
];

/// The simulator is the second witness of the protocol.
const SIMULATOR: &str = "xapi-sim";

struct Crate {
    name: String,
    floor: Option<u64>,
    /// The folder it lies in: `host`, `tests`.
    part: String,
    imports: Vec<Import>,
}

struct Import {
    name: String,
    dev: bool,
    ours: bool,
}

/// Reads the answer of `cargo metadata --no-deps` for the workspace at `root`.
pub(super) fn check(metadata: &Value, root: &Path) -> Vec<Finding> {
    let crates: BTreeMap<String, Crate> =
        list(&metadata["packages"]).map(|package| read(package, root)).map(|each| (each.name.clone(), each)).collect();
    let mut findings = Vec::new();
    for each in crates.values() {
        if each.floor.is_none() {
            findings.push(wrong(format!(
                "{} states no floor. Add `[package.metadata.house]` with `floor = N` to its Cargo.toml, one above the highest \
                 floor it imports.",
                each.name
            )));
        }
        for import in &each.imports {
            match crates.get(&import.name).filter(|_| import.ours) {
                Some(other) => findings.extend(arrow(each, import, other)),
                None => findings.extend(roof(each, import)),
            }
        }
    }
    findings
}

fn arrow(from: &Crate, import: &Import, to: &Crate) -> Option<Finding> {
    if from.name == SIMULATOR && to.part == "host" {
        return Some(wrong(format!(
            "{SIMULATOR} imports {}. The simulator imports nothing of host/: two witnesses, so that one misreading of the \
             protocol cannot hide itself. Write it again, from the protocol.",
            to.name
        )));
    }
    if from.part == "host" && to.part == "tests" {
        return (!import.dev).then(|| {
            wrong(format!("{} ships and imports {}, which only tests. Make it a dev-dependency.", from.name, to.name))
        });
    }
    let (Some(here), Some(there)) = (from.floor, to.floor) else { return None };
    (there >= here).then(|| {
        let way = if there == here { "sideways" } else { "up" };
        wrong(format!(
            "{} (floor {here}) imports {} (floor {there}): that arrow points {way}. Turn it: move the type both need to \
             `model`, or declare a small trait in {} that {} implements (see plugin_runtime::Services).",
            from.name, to.name, from.name, to.name
        ))
    })
}

fn roof(from: &Crate, import: &Import) -> Option<Finding> {
    let family = |name: &str| import.name == name || import.name.starts_with(&format!("{name}-"));
    let (library, under, why) = ROOFS.iter().find(|(name, ..)| family(name))?;
    (!under.contains(&from.name.as_str())).then(|| {
        wrong(format!(
            "{} imports {}; {library} lives under {} only. {why}",
            from.name,
            import.name,
            under.join(" and ")
        ))
    })
}

fn read(package: &Value, root: &Path) -> Crate {
    let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
    let part = manifest.strip_prefix(root).ok().and_then(|path| path.iter().next());
    Crate {
        name: text(&package["name"]),
        floor: package["metadata"]["house"]["floor"].as_u64(),
        part: part.unwrap_or_default().to_string_lossy().into_owned(),
        imports: list(&package["dependencies"])
            .map(|import| Import {
                name: text(&import["name"]),
                dev: import["kind"] == "dev",
                ours: import["path"].is_string(),
            })
            .collect(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// One line for each crate: `host/model 0: serde, dev:rig`. Names that are crates of the list are ours.
    fn workspace(lines: &str) -> Value {
        let lines: Vec<&str> = lines.split(';').map(str::trim).collect();
        let name =
            |line: &str| line.split([' ', ':']).next().and_then(|path| path.rsplit('/').next()).map(str::to_owned);
        let ours: Vec<String> = lines.iter().filter_map(|line| name(line)).collect();
        let package = |line: &&str| {
            let (head, imports) = line.split_once(':').unwrap_or((line, ""));
            let (path, floor) = head.split_once(' ').unwrap_or((head, ""));
            let imports: Vec<Value> = imports
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(|import| {
                    let (kind, name) =
                        import.split_once(':').map_or((Value::Null, import), |(kind, name)| (kind.into(), name));
                    let path = ours.iter().any(|our| our == name).then(|| format!("/r/x/{name}"));
                    json!({"name": name, "kind": kind, "path": path})
                })
                .collect();
            let house = floor.parse::<u64>().map_or(Value::Null, |floor| json!({"house": {"floor": floor}}));
            json!({"name": name(line), "manifest_path": format!("/r/{path}/Cargo.toml"), "metadata": house, "dependencies": imports})
        };
        json!({"packages": lines.iter().map(package).collect::<Vec<_>>()})
    }

    #[test]
    fn arrows_and_roofs() {
        for (lines, wanted) in [
            ("host/model 0: serde; host/store 1: model, redb; host/app 3: store, model", ""),
            ("host/model 0: store; host/store 1", "model (floor 0) imports store (floor 1): that arrow points up"),
            (
                "host/store 1; host/access 1: store",
                "access (floor 1) imports store (floor 1): that arrow points sideways",
            ),
            ("host/store 1: dev:app; host/app 3", "store (floor 1) imports app (floor 3)"),
            ("host/store 1: build:app; host/app 3", "store (floor 1) imports app (floor 3)"),
            ("host/model", "model states no floor"),
            ("host/xapi 1: dev:xapi-sim; tests/xapi-sim 7: quick-xml", ""),
            ("host/xapi 1: xapi-sim; tests/xapi-sim 7", "xapi ships and imports xapi-sim"),
            ("host/model 0; tests/xapi-sim 7: model", "xapi-sim imports model. The simulator imports nothing"),
            ("host/model 0; tests/xapi-sim 7: dev:model", "xapi-sim imports model. The simulator imports nothing"),
            ("tests/rig 8; tests/e2e 9: rig", ""),
            ("tests/rig 8; tests/e2e 8: rig", "e2e (floor 8) imports rig (floor 8)"),
            ("host/app 3: wasmtime", "app imports wasmtime; wasmtime lives under plugin-runtime only"),
            ("host/app 3: wasmtime-wasi", "app imports wasmtime-wasi; wasmtime lives under plugin-runtime only"),
            ("host/app 3: dev:axum", "app imports axum; axum lives under api and daemon only"),
            ("host/daemon 5: axum-server; host/api 4: axum", ""),
            (
                "host/inventory 2: quick-xml",
                "inventory imports quick-xml; quick-xml lives under xapi and xapi-sim only. Use xapi::xml.",
            ),
            ("tests/e2e 9: redb", "e2e imports redb; redb lives under store only"),
        ] {
            let found: Vec<String> = check(&workspace(lines), Path::new("/r"))
                .into_iter()
                .map(|finding| match finding {
                    Finding::Wrong(text) | Finding::Warning(text) => text,
                })
                .collect();
            match wanted {
                "" => assert!(found.is_empty(), "{lines}: {found:?}"),
                wanted => assert!(found.len() == 1 && found[0].starts_with(wanted), "{lines}: {found:?}"),
            }
        }
    }
}
