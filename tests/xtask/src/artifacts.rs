//! Reads cargo's messages: which file every target was built into, wherever the target folder is.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One file that cargo built (or found fresh).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Name of the target: `xylem`, `auth_ldap`.
    pub name: String,
    /// The Cargo.toml of its package.
    pub manifest: PathBuf,
    /// The file.
    pub file: PathBuf,
}

/// Programs (not test binaries) in the output of `cargo build --message-format=json-render-diagnostics`.
pub fn programs(messages: &str) -> Vec<Artifact> {
    artifacts(messages)
        .filter(|message| has(&message["target"]["kind"], "bin") && message["profile"]["test"] == false)
        .filter_map(|message| artifact(&message, message["executable"].as_str()?))
        .collect()
}

/// Wasm files in the same output.
pub fn wasm(messages: &str) -> Vec<Artifact> {
    artifacts(messages)
        .filter(|message| !has(&message["target"]["kind"], "custom-build"))
        .filter_map(|message| {
            let files = message["filenames"].as_array()?;
            let file = files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".wasm"))?;
            artifact(&message, file)
        })
        .collect()
}

/// The program called `name`.
pub fn program(messages: &str, name: &str) -> Option<PathBuf> {
    programs(messages).into_iter().find(|found| found.name == name).map(|found| found.file)
}

/// The name a plugin is installed under: its target's, with the hyphens that Rust turned into underscores.
pub fn install_name(artifact: &Artifact) -> String {
    format!("{}.wasm", artifact.name.replace('_', "-"))
}

/// Says whether the artifact's package lies under `folder`.
pub fn is_under(artifact: &Artifact, folder: &Path) -> bool {
    artifact.manifest.starts_with(folder)
}

fn artifacts(messages: &str) -> impl Iterator<Item = Value> + '_ {
    messages
        .lines()
        .filter(|line| line.starts_with('{'))
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
}

fn artifact(message: &Value, file: &str) -> Option<Artifact> {
    Some(Artifact {
        name: message["target"]["name"].as_str()?.to_owned(),
        manifest: message["manifest_path"].as_str()?.into(),
        file: file.into(),
    })
}

fn has(list: &Value, word: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|item| item == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = r#"
{"reason":"compiler-artifact","manifest_path":"/r/host/cli/Cargo.toml","target":{"kind":["bin"],"name":"xylem"},"profile":{"test":true},"filenames":["/t/debug/deps/xylem-1"],"executable":"/t/debug/deps/xylem-1"}
{"reason":"compiler-artifact","manifest_path":"/r/host/cli/Cargo.toml","target":{"kind":["bin"],"name":"xylem"},"profile":{"test":false},"filenames":["/t/debug/xylem"],"executable":"/t/debug/xylem"}
{"reason":"compiler-artifact","manifest_path":"/r/host/model/Cargo.toml","target":{"kind":["lib"],"name":"model"},"profile":{"test":false},"filenames":["/t/debug/libmodel.rlib"],"executable":null}
{"reason":"build-finished","success":true}
{"reason":"compiler-artifact","manifest_path":"/r/plugins/auth-ldap/Cargo.toml","target":{"kind":["cdylib","rlib"],"name":"auth_ldap"},"profile":{"test":false},"filenames":["/p/auth_ldap.wasm","/p/libauth_ldap.rlib"],"executable":null}
{"reason":"compiler-artifact","manifest_path":"/r/tests/hostile/Cargo.toml","target":{"kind":["bin"],"name":"memory-bomb"},"profile":{"test":false},"filenames":["/p/memory-bomb.wasm"],"executable":"/p/memory-bomb.wasm"}
not json
"#;

    #[test]
    fn programs_are_found_without_test_binaries() {
        assert_eq!(program(MESSAGES, "xylem"), Some("/t/debug/xylem".into()));
        assert_eq!(program(MESSAGES, "model"), None);
    }

    #[test]
    fn wasm_files_get_the_name_they_are_installed_under() {
        let found = wasm(MESSAGES);
        let names: Vec<_> = found.iter().map(install_name).collect();
        assert_eq!(names, ["auth-ldap.wasm", "memory-bomb.wasm"]);
        assert!(is_under(&found[0], Path::new("/r/plugins")) && !is_under(&found[1], Path::new("/r/plugins")));
    }
}
