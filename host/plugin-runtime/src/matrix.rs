//! The enforcement matrix: every function of the contract, the right it needs, and whether a pure call may use it.
//!
//! The linker, the loader and the gate all read this one table; a test compares it with the contract and fails if a function
//! has no row. The grants are those of the table in `wit/README.md`.

/// What a function does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Looks at the plugin's own things, or writes its log; allowed in pure calls.
    Own,
    /// Changes or reaches something; refused in pure calls.
    Reach,
}

/// One function.
#[derive(Debug)]
pub(crate) struct Row {
    /// Interface, as in the contract.
    pub(crate) interface: &'static str,
    /// Function, as a component names it: "open", "[method]connection.bind".
    pub(crate) function: &'static str,
    /// Words of which one is needed; empty = none.
    pub(crate) words: &'static [&'static str],
    /// What it does to the world.
    pub(crate) effect: Effect,
}

impl Row {
    /// Returns whether each use has a line in the audit: connections, revealed secrets, and changes of secrets.
    pub(crate) fn is_audited(&self) -> bool {
        matches!(
            (self.interface, self.function),
            ("ldap", "[static]connection.open") | ("reveal", "text") | ("secrets", "set")
        )
    }

    /// Returns the name for people and logs: "ldap.connection.bind".
    pub(crate) fn name(&self) -> String {
        let function = self.function.split_once(']').map_or(self.function, |(_, rest)| rest);
        format!("{}.{function}", self.interface)
    }
}

/// Version of the contract that this daemon speaks.
pub(crate) const CONTRACT: &str = "0.1.0";

/// Interfaces with types only.
pub(crate) const TYPES_ONLY: &[&str] = &["types", "auth-types", "notify-types"];

const fn rows<const N: usize>(
    interface: &'static str,
    words: &'static [&'static str],
    effect: Effect,
    functions: [&'static str; N],
) -> [Row; N] {
    let mut out = [const { Row { interface: "", function: "", words: &[], effect: Effect::Reach } }; N];
    let mut at = 0;
    while at < N {
        out[at] = Row { interface, function: functions[at], words, effect };
        at += 1;
    }
    out
}

use Effect::{Own, Reach};

/// The table, one line for each interface and effect.
pub(crate) const MATRIX: &[&[Row]] = &[
    &rows("context", &[], Own, ["current", "is-cancelled", "allowed", "reactivate"]),
    &rows("log", &[], Own, ["write"]),
    &rows("config", &[], Own, ["current"]),
    &rows("secrets", &[], Own, ["get", "[method]secret.name"]),
    &rows("secrets", &[], Reach, ["set"]),
    &rows("reveal", &["secret"], Reach, ["text"]),
    &rows("kv", &[], Own, ["get", "keys"]),
    &rows("kv", &[], Reach, ["set", "delete"]),
    &rows(
        "ldap",
        &["ldap"],
        Reach,
        ["[static]connection.open", "[method]connection.bind", "[method]connection.search", "[method]entries.next"],
    ),
    &rows("inventory", &["inventory"], Reach, ["get", "find", "count", "[method]cursor.next"]),
    &rows("stats", &["stats"], Reach, ["query", "latest", "summary"]),
    &rows("xapi", &["xapi"], Reach, ["call", "start", "fetch"]),
    &rows("api", &["api"], Reach, ["call"]),
    &rows("operations", &[], Reach, ["started", "status", "cancel"]),
    &rows("jobs", &[], Reach, ["start", "signal", "report"]),
    &rows("notify", &["notify"], Reach, ["publish"]),
    &rows(
        "transfer",
        &[],
        Reach,
        [
            "[method]source.size",
            "[method]sink.room",
            "[constructor]pipeline",
            "[method]pipeline.unzip-entry",
            "[method]pipeline.gzip",
            "[method]pipeline.gunzip",
            "[method]pipeline.zstd",
            "[method]pipeline.unzstd",
            "[method]pipeline.encrypt",
            "[method]pipeline.decrypt",
            "[method]pipeline.verify",
            "[method]pipeline.measure",
            "[method]pipeline.limit-rate",
            "[method]pipeline.expect-size",
            "start",
        ],
    ),
    &rows("downloads", &["http"], Reach, ["open"]),
    &rows(
        "xapi-streams",
        &["stream"],
        Reach,
        ["export-vm", "import-vm", "export-disk", "import-disk", "create-disk", "export-pool-metadata", "upload-patch"],
    ),
    &rows(
        "remotes",
        &["remote"],
        Reach,
        ["available", "files", "stat", "rename", "delete", "read-small", "write-small", "read", "write"],
    ),
    &rows(
        "repository",
        &["remote"],
        Reach,
        [
            "[static]store.open",
            "[method]store.write-disk",
            "[method]store.read-disk",
            "[method]store.indexes",
            "[method]store.delete",
            "[method]store.verify",
            "[method]store.collect-garbage",
        ],
    ),
    &rows("saml", &[], Reach, ["begin", "finish", "sign-out", "signed-out", "service-metadata"]),
    &rows("mail", &["smtp"], Reach, ["send"]),
    &rows(
        "sockets",
        &["tcp", "udp"],
        Reach,
        [
            "[static]connection.open",
            "[method]connection.start-tls",
            "[method]connection.send",
            "[method]connection.receive",
            "send-datagram",
        ],
    ),
];

/// Roles that need a right of their own; enabling is the grant of all others.
pub(crate) const ROLE_WORDS: &[(&str, &str)] = &[("event-handler", "events"), ("wasi:http/incoming-handler", "route")];

/// Returns every row.
pub(crate) fn all() -> impl Iterator<Item = &'static Row> {
    MATRIX.iter().flat_map(|rows| rows.iter())
}

/// Returns the row of a function. To be called in a constant, where a function without row does not compile.
pub(crate) const fn row(interface: &str, function: &str) -> &'static Row {
    let mut group = 0;
    while group < MATRIX.len() {
        let mut at = 0;
        while at < MATRIX[group].len() {
            let row = &MATRIX[group][at];
            if same(row.interface, interface) && same(row.function, function) {
                return row;
            }
            at += 1;
        }
        group += 1;
    }
    panic!("this function has no row in the enforcement matrix")
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// Returns whether the contract has a function.
pub(crate) fn has_function(interface: &str, function: &str) -> bool {
    all().any(|row| row.interface == interface && row.function == function)
}

/// Returns whether the contract has an interface.
pub(crate) fn has_interface(interface: &str) -> bool {
    TYPES_ONLY.contains(&interface) || all().any(|row| row.interface == interface)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use wasmtime::component::Component;
    use wasmtime::component::types::ComponentItem::{ComponentFunc, ComponentInstance};
    use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
    use wit_parser::{ManglingAndAbi, Resolve};

    use super::*;

    /// A component that imports and exports everything there is in the contract.
    fn everything() -> Vec<u8> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
        let world = resolve.select_world(&[package], Some("everything")).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
    }

    #[test]
    fn every_function_of_the_contract_has_a_row_and_a_body() {
        let engine = crate::engine::on_demand_engine().unwrap();
        let component = Component::new(&engine, everything()).unwrap();
        let linker = crate::capabilities::linker(&engine).unwrap();
        linker.instantiate_pre(&component).expect("everything in the contract is linked");

        let ty = component.component_type();
        let mut functions = BTreeSet::new();
        for (name, import) in ty.imports(&engine) {
            let Some(interface) = name.strip_prefix("xylem:plugin/") else { continue };
            let (interface, version) = interface.split_once('@').unwrap();
            assert_eq!(version, CONTRACT);
            let ComponentInstance(instance) = import.ty else { panic!("{name} is no interface") };
            for (function, item) in instance.exports(&engine) {
                if matches!(item.ty, ComponentFunc(_)) {
                    functions.insert((interface.to_owned(), function.to_owned()));
                }
            }
        }
        let rows: BTreeSet<_> = all().map(|row| (row.interface.to_owned(), row.function.to_owned())).collect();
        assert_eq!(rows, functions, "the rows of the enforcement matrix (left) and the contract (right)");
        for row in all() {
            assert!(row.words.iter().all(|word| crate::grants::is_word(word)), "{row:?}");
            assert!(row.words.is_empty() || row.effect == Reach, "what needs a grant reaches something: {row:?}");
        }
    }

    #[test]
    fn the_table_for_people_names_the_same_grants() {
        let table = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/README.md")).unwrap();
        for word in crate::grants::words() {
            assert!(table.contains(&format!("`{word}")), "wit/README.md does not name the grant {word}");
        }
    }
}
