//! Small plugins, written as WAT: a core module with the contract's exports, wrapped into a component.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A plugin in the making. Bodies are WAT with the parameters of the flattened export and one i32 as result: the address of what
/// the function returns. 1024 is an area of zeros, which reads as an empty list or an `ok` of empty things; 1536 is `ok(unknown)`.
pub struct Guest {
    pub imports: Vec<(&'static str, &'static str, &'static str)>,
    pub manifest: String,
    pub validate: &'static str,
    pub activate: &'static str,
    pub test: &'static str,
    pub authenticate: &'static str,
    /// More items of the module.
    pub more: &'static str,
    /// Changes to the text of the contract, for plugins of another time: what, and with what it is replaced.
    pub contract: Vec<(&'static str, &'static str)>,
}

/// A manifest with nothing special.
pub fn manifest(capabilities: &str) -> String {
    format!(
        r#"{{"manifestVersion": 1, "id": "org.xylem.test", "version": "0.1.0", "name": {{"en": "Test"}},
            "roles": ["password-provider"], "capabilities": [{capabilities}]}}"#
    )
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            imports: vec![],
            manifest: manifest(""),
            validate: "i32.const 1024",
            activate: "i32.const 1024",
            test: "i32.const 1024",
            authenticate: "i32.const 1536",
            more: "",
            contract: vec![],
        }
    }
}

impl Guest {
    /// Builds the component.
    pub fn build(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        if self.contract.is_empty() {
            resolve.push_dir(&wit).unwrap();
        } else {
            resolve.push_dir(changed(&wit, &self.contract).path()).unwrap();
        }
        let uses: String = self.imports.iter().map(|(interface, ..)| format!("import {interface};\n")).collect();
        let mut world = format!(
            "package test:guest;\nworld guest {{ {uses} export xylem:plugin/lifecycle@0.1.0;
             export xylem:plugin/password-provider@0.1.0; }}"
        );
        for (old, new) in self.contract.iter().filter(|(old, _)| old.starts_with('@')) {
            world = world.replace(old, new);
        }
        let package = resolve.push_str("guest.wit", &world).unwrap();
        let world = resolve.select_world(&[package], Some("guest")).unwrap();
        let import = |(interface, function, signature): &(&str, &str, &str)| {
            let name = function.replace(['[', ']', '.'], "_");
            format!(r#"(import "{interface}" "{function}" (func ${name} {signature}))"#)
        };
        let imports: String = self.imports.iter().filter(|(_, name, _)| !name.is_empty()).map(import).collect();
        let Self { validate, activate, test, authenticate, more, .. } = self;
        let mut text = format!(
            r#"(module
                {imports}
                (memory (export "memory") 2)
                (global $free (mut i32) (i32.const 65536))
                (data (i32.const 1544) "\02")
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
                    (local.set $at (global.get $free))
                    (global.set $free (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 7)) (i32.const -8)))
                    (local.get $at))
                {more}
                (func (export "xylem:plugin/lifecycle@0.1.0#validate") (param i32 i32) (result i32) {validate})
                (func (export "xylem:plugin/lifecycle@0.1.0#migrate") (param i32 i32 i32) (result i32) i32.const 1024)
                (func (export "xylem:plugin/lifecycle@0.1.0#activate") (param i32 i32) (result i32) {activate})
                (func (export "xylem:plugin/lifecycle@0.1.0#test") (param i32 i32 i32 i32 i32) (result i32) {test})
                (func (export "xylem:plugin/password-provider@0.1.0#authenticate") (param i32 i32 i32 i32) (result i32)
                    {authenticate}))"#
        );
        for (old, new) in self.contract.iter().filter(|(old, _)| old.starts_with('@')) {
            text = text.replace(old, new);
        }
        let mut module = wat::parse_str(text).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        custom_section(&mut module, "xylem:manifest", self.manifest.as_bytes());
        ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
    }
}

/// Copies the contract with changes.
fn changed(wit: &Path, changes: &[(&str, &str)]) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("deps")).unwrap();
    for (folder, changes) in [("", changes), ("deps", &[])] {
        for entry in std::fs::read_dir(wit.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "wit") {
                continue;
            }
            let mut text = std::fs::read_to_string(&path).unwrap();
            for (old, new) in changes {
                text = text.replace(old, new);
            }
            std::fs::write(copy.path().join(folder).join(path.file_name().unwrap()), text).unwrap();
        }
    }
    copy
}

/// Appends a custom section to a module or component.
pub fn custom_section(bytes: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut body = leb(name.len());
    body.extend(name.as_bytes());
    body.extend(data);
    bytes.push(0);
    bytes.extend(leb(body.len()));
    bytes.extend(body);
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut out = vec![];
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}
