//! Reads a component without running it: imports are powers, exports are roles, a custom section is the manifest.

use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem::{ComponentFunc, ComponentInstance};

use crate::matrix::{self, CONTRACT, ROLE_WORDS, TYPES_ONLY};
use crate::{LoadError, Manifest, scope};

/// Bytes of a component. A Python plugin has 18 MiB, one in JavaScript 13.
pub(crate) const MAX_COMPONENT: u64 = 64 << 20;

/// Name of the custom section.
const SECTION: &str = "xylem:manifest";

/// Package of the contract.
const PACKAGE: &str = "xylem:plugin/";

/// Depth of components in components; what toolchains make has 3.
const MAX_NESTING: usize = 32;

/// What can be said before compiling.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) manifest: Manifest,
    pub(crate) warnings: Vec<String>,
}

/// Reads the manifest and refuses, by name alone, what cannot run here.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspected, LoadError> {
    check_size(bytes.len() as u64)?;
    let sections = sections(bytes)?;
    // Before the manifest: a plugin from the future may have a manifest from the future.
    for name in &sections.imports {
        check_interface(name)?;
    }
    for name in sections.exports.iter().filter(|name| name.starts_with(PACKAGE)) {
        check_track(name)?;
    }
    let [section] = sections.manifests[..] else {
        let found = sections.manifests.len();
        let code = if found == 0 { "manifest.missing" } else { "manifest.several" };
        let message = format!("it has {found} custom sections {SECTION:?}; a plugin has exactly one");
        return Err(LoadError::new(code, message));
    };
    let (manifest, warnings) = Manifest::parse(section)?;
    check_daemon_version(&manifest.xylem)?;
    for capability in &manifest.capabilities {
        scope::check(&capability.scope).map_err(|message| LoadError::new("capability.scope", message))?;
    }
    if !sections.exports.iter().any(|name| short(name) == "lifecycle") {
        let message = "it does not export xylem:plugin/lifecycle, which every plugin must";
        return Err(LoadError::new("role.lifecycle", message));
    }
    for role in &manifest.roles {
        if !sections.exports.iter().any(|name| short(name) == role) {
            return Err(LoadError::new(
                "role.missing",
                format!("its manifest names the role {role:?}, which it does not export"),
            ));
        }
    }
    Ok(Inspected { manifest, warnings })
}

/// Refuses files that are too large.
pub(crate) fn check_size(size: u64) -> Result<(), LoadError> {
    if size <= MAX_COMPONENT {
        return Ok(());
    }
    let message = format!("it has {} MiB; {} MiB are allowed", size.div_ceil(1 << 20), MAX_COMPONENT >> 20);
    Err(LoadError::new("component.too-large", message))
}

/// Interfaces with functions that a compiled component imports, and roles that it exports. Refuses functions that the
/// contract of this daemon does not have, and powers that the manifest does not ask for.
pub(crate) fn powers_and_roles(
    engine: &Engine,
    component: &Component,
    manifest: &Manifest,
) -> Result<(Vec<String>, Vec<String>), LoadError> {
    let (ty, mut powers) = (component.component_type(), vec![]);
    for (name, import) in ty.imports(engine) {
        let ComponentInstance(instance) = import.ty else { continue };
        let functions = || instance.exports(engine).filter(|(_, item)| matches!(item.ty, ComponentFunc(_)));
        let interface = short(name);
        if name.starts_with(PACKAGE)
            && !TYPES_ONLY.contains(&interface)
            && let Some((function, _)) = functions().find(|(function, _)| !matrix::has_function(interface, function))
        {
            return Err(newer(name, Some(function)));
        }
        let ours = name.starts_with(PACKAGE) || interface == "wasi:http/outgoing-handler";
        if ours && functions().next().is_some() {
            powers.push(interface.to_owned());
        }
    }
    powers.sort();
    let roles = ty.exports(engine).map(|(name, _)| short(name).to_owned());
    let roles: Vec<String> = roles.filter(|role| role != "lifecycle" && known_role(role)).collect();
    check_asked(&powers, &roles, manifest)?;
    Ok((powers, roles))
}

fn known_role(role: &str) -> bool {
    const ROLES: &[&str] = &[
        "password-provider",
        "redirect-provider",
        "sign-out-provider",
        "directory",
        "job-runner",
        "event-handler",
        "transport",
        "methods",
        "wasi:http/incoming-handler",
    ];
    ROLES.contains(&role)
}

/// Both keys: what the component can reach, its manifest must ask for, else nobody could grant it knowingly.
fn check_asked(powers: &[String], roles: &[String], manifest: &Manifest) -> Result<(), LoadError> {
    let asked = |word: &str| manifest.capabilities.iter().any(|capability| capability.name == word);
    for power in powers {
        let words: Vec<&str> = if power == "wasi:http/outgoing-handler" {
            vec!["http"]
        } else {
            matrix::all().filter(|row| row.interface == power).flat_map(|row| row.words).copied().collect()
        };
        if !words.is_empty() && !words.iter().any(|word| asked(word)) {
            let message = format!(
                "it imports {power}, but its manifest does not ask for the capability {}; add it with a reason",
                words[0]
            );
            return Err(LoadError::new("capability.not-requested", message));
        }
    }
    for (role, word) in ROLE_WORDS {
        if roles.iter().any(|exported| exported == role) && !asked(word) {
            let message = format!("it exports {role}, but its manifest does not ask for the capability {word}");
            return Err(LoadError::new("capability.not-requested", message));
        }
    }
    Ok(())
}

struct Sections<'b> {
    imports: Vec<String>,
    exports: Vec<String>,
    manifests: Vec<&'b [u8]>,
}

/// Walks the sections, those of nested modules and components too: toolchains leave the manifest in a core module.
fn sections(bytes: &[u8]) -> Result<Sections<'_>, LoadError> {
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::new("component.not-wasm", "it is not a WebAssembly file"));
    }
    let mut out = Sections { imports: vec![], exports: vec![], manifests: vec![] };
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(corrupt)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                let message = "it is a core WebAssembly module, not a component; build it for wasm32-wasip2";
                return Err(LoadError::new("component.core-module", message));
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(reader) if depth == 0 => {
                for import in reader {
                    out.imports.push(import.map_err(corrupt)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(reader) if depth == 0 => {
                for export in reader {
                    out.exports.push(export.map_err(corrupt)?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if section.name() == SECTION => out.manifests.push(section.data()),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Err(LoadError::new("component.corrupt", "it has components nested too deep"));
        }
    }
    Ok(out)
}

fn corrupt(error: wasmparser::BinaryReaderError) -> LoadError {
    let text = error.to_string();
    let code = if text.contains("unexpected end") { "component.truncated" } else { "component.corrupt" };
    LoadError::new(code, format!("it is damaged: {text}"))
}

/// Returns the interface of a name without our package and without version: "kv", "wasi:http/outgoing-handler".
fn short(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    name.strip_prefix(PACKAGE).unwrap_or(name)
}

type Version = (u64, u64, u64);

fn version(text: &str) -> Option<Version> {
    let mut parts = text.trim().split('.').map(|part| part.parse().ok());
    let version = (parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
    parts.next().is_none().then_some(version)
}

/// Refuses interfaces that this daemon does not have, and other tracks of the contract. The linker alone would find the wrong
/// version late: it takes 0.1.9 for 0.1.2 and then misses a function.
fn check_interface(name: &str) -> Result<(), LoadError> {
    let Some(rest) = name.strip_prefix(PACKAGE) else {
        if name.starts_with("xylem:") {
            return Err(newer(name, None));
        }
        return Ok(());
    };
    let interface = rest.split('@').next().unwrap_or(rest);
    check_track(name)?;
    if matrix::has_interface(interface) { Ok(()) } else { Err(newer(name, None)) }
}

/// In 0.x the minor version is the track; only within one do both sides link.
fn check_track(name: &str) -> Result<(), LoadError> {
    let wanted = name.split_once('@').map_or(CONTRACT, |(_, version)| version);
    match (version(wanted), version(CONTRACT)) {
        (Some(wanted), Some(ours)) if (wanted.0, wanted.1) == (ours.0, ours.1) => Ok(()),
        _ => Err(newer(name, None)),
    }
}

/// Says which Xylem has what is missing here.
fn newer(name: &str, function: Option<&str>) -> LoadError {
    let interface = short(name);
    let what = match function {
        Some(function) => format!("{interface}.{}", function.split_once(']').map_or(function, |(_, rest)| rest)),
        None => interface.to_owned(),
    };
    let wanted = name.split_once('@').map_or("", |(_, version)| version);
    match (version(wanted), version(CONTRACT)) {
        (Some(theirs), Some(ours)) if theirs > ours => {
            LoadError::new("contract.newer", format!("needs Xylem >= {wanted} for {what}; this is {CONTRACT}"))
        }
        (Some(theirs), Some(ours)) if (theirs.0, theirs.1) < (ours.0, ours.1) => {
            let message =
                format!("it is for contract {wanted}, which Xylem {CONTRACT} no longer speaks (first seen: {what})");
            LoadError::new("contract.older", message)
        }
        _ => LoadError::new("contract.unknown", format!("it imports {what}, which contract {CONTRACT} does not have")),
    }
}

/// Compares the manifest's `xylem` (">=0.1.0, <0.2.0") with the version of this daemon.
fn check_daemon_version(requirement: &str) -> Result<(), LoadError> {
    let text = env!("CARGO_PKG_VERSION");
    let ours = version(text).expect("the version of this crate is three numbers");
    for part in requirement.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let at = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
        let (sign, number) = part.split_at(at);
        let Some(number) = version(number) else {
            let message =
                format!("the manifest's xylem {requirement:?} is not a list of versions such as \">=0.1.0, <0.2.0\"");
            return Err(LoadError::new("manifest.invalid", message));
        };
        let next = match number {
            (0, minor, _) => (0, minor + 1, 0),
            (major, ..) => (major + 1, 0, 0),
        };
        let fits = match sign.trim() {
            ">=" => ours >= number,
            ">" => ours > number,
            "<=" => ours <= number,
            "<" => ours < number,
            "=" => ours == number,
            "" | "^" => ours >= number && ours < next,
            "~" => ours >= number && (ours.0, ours.1) == (number.0, number.1),
            _ => false,
        };
        if !fits {
            return Err(if number > ours {
                LoadError::new("contract.newer", format!("needs Xylem {part}; this is {text}"))
            } else {
                LoadError::new("contract.older", format!("is for Xylem {requirement}; this is {text}"))
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_components() {
        let module = wat::parse_str("(module)").unwrap();
        let component = wat::parse_str("(component (core module (memory 1)))").unwrap();
        let several =
            wat::parse_str(r#"(component (@custom "xylem:manifest" "{}") (@custom "xylem:manifest" "{}"))"#).unwrap();
        for (bytes, code) in [
            (&b""[..], "component.not-wasm"),
            (b"#!/bin/sh", "component.not-wasm"),
            (&module, "component.core-module"),
            (&component, "manifest.missing"),
            (&component[..component.len() - 3], "component.truncated"),
            (&several, "manifest.several"),
        ] {
            assert_eq!(inspect(bytes).unwrap_err().code, code);
        }
        assert_eq!(check_size(MAX_COMPONENT + 1).unwrap_err().code, "component.too-large");
    }

    #[test]
    fn interfaces_and_versions() {
        for (name, code, words) in [
            ("xylem:plugin/kv@0.1.0", "", ""),
            ("xylem:plugin/kv@0.1.7", "", ""),
            ("wasi:io/streams@0.2.12", "", ""),
            ("xylem:plugin/gpu@0.1.3", "contract.newer", "needs Xylem >= 0.1.3 for gpu"),
            ("xylem:plugin/kv@0.2.0", "contract.newer", "needs Xylem >= 0.2.0 for kv"),
            ("xylem:plugin/gpu@0.1.0", "contract.unknown", "gpu"),
            ("xylem:plugin/kv@0.0.9", "contract.older", "0.0.9"),
            ("xylem:other/kv@9.0.0", "contract.newer", "needs Xylem >= 9.0.0 for xylem:other/kv"),
        ] {
            match check_interface(name) {
                Ok(()) => assert_eq!(code, "", "{name}"),
                Err(error) => assert!(error.code == code && error.message.contains(words), "{name}: {error:?}"),
            }
        }
        let error = newer("xylem:plugin/kv@0.1.3", Some("clear"));
        assert_eq!(error.message, "needs Xylem >= 0.1.3 for kv.clear; this is 0.1.0");
    }

    #[test]
    fn requirements() {
        for (requirement, code) in [
            ("", ""),
            (">=0.1.0, <0.2.0", ""),
            ("^0.1", ""),
            ("0.1.0", ""),
            (">=0.2.0", "contract.newer"),
            ("<0.1.0", "contract.older"),
            (">=banana", "manifest.invalid"),
        ] {
            let found = check_daemon_version(requirement).err().map_or(String::new(), |error| error.code);
            assert_eq!(found, code, "{requirement}");
        }
    }
}
