//! From files to plugins: the cache, the child that compiles, and every file that is no plugin.

use std::fs;
use std::os::unix::fs::symlink;

use model::InstanceId;
use serde_json::json;

use crate::guest::{Guest, custom_section, manifest};
use crate::support::{Bench, bare};

fn cached(bench: &Bench) -> Vec<std::path::PathBuf> {
    fs::read_dir(bench.folder.path().join("cache")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn compiles_in_a_child_once() {
    let mut bench = Bench::with(&Guest::default()).await;
    let it = InstanceId::from("it");
    assert!(bench.runtime.health(&it).compile_ms.is_some(), "compiled by the child");
    let plugin = bench.runtime.get(&it).unwrap();
    assert_eq!(plugin.roles, ["password-provider"]);
    assert_eq!(plugin.powers, Vec::<String>::new());
    assert_eq!(bench.runtime.validate(&bare()).await.unwrap(), []);

    bench.scan().await;
    assert!(std::sync::Arc::ptr_eq(&plugin, &bench.runtime.get(&it).unwrap()), "an unchanged file stays as it is");

    bench.restart();
    bench.scan().await;
    assert_eq!(bench.runtime.health(&it).compile_ms, None, "the compiled code was kept");
    assert_eq!(bench.runtime.validate(&bare()).await.unwrap(), []);
}

type Attack<'a> = Box<dyn Fn() + 'a>;

#[tokio::test]
async fn tampered_code_is_compiled_anew() {
    let mut bench = Bench::with(&Guest::default()).await;
    let it = InstanceId::from("it");
    let [file] = &cached(&bench)[..] else { panic!("one plugin, one file") };
    let good = fs::read(file).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    let elsewhere = bench.folder.path().join("elsewhere");
    fs::write(&elsewhere, &good).unwrap();
    let attacks: [(&str, Attack<'_>); 4] = [
        ("a flipped bit", Box::new(|| fs::write(file, &flipped).unwrap())),
        ("cut off", Box::new(|| fs::write(file, &good[..good.len() - 40]).unwrap())),
        ("empty", Box::new(|| fs::write(file, "").unwrap())),
        (
            "a symbolic link",
            Box::new(|| {
                fs::remove_file(file).unwrap();
                symlink(&elsewhere, file).unwrap();
            }),
        ),
    ];
    for (what, attack) in attacks {
        attack();
        bench.restart();
        assert_eq!(bench.scan().await, [("it".to_owned(), String::new())], "{what}");
        assert!(bench.runtime.health(&it).compile_ms.is_some(), "{what}");
        assert_eq!(bench.runtime.validate(&bare()).await.unwrap(), [], "{what}");
        assert!(fs::symlink_metadata(file).unwrap().is_file(), "{what} was replaced");
    }
}

#[tokio::test]
async fn files_that_are_no_plugins() {
    let bench = Bench::new();
    let good = Guest::default().build();
    let without = Guest { manifest: String::new(), ..Guest::default() }.build();
    let mut twice = good.clone();
    custom_section(&mut twice, "xylem:manifest", b"{}");
    // A valid head with a body that the compiler refuses.
    let mut broken = good.clone();
    let at = broken.windows(4).position(|bytes| bytes == b"free").map_or(broken.len() / 3, |at| at - 40);
    broken[at..at + 16].fill(0xff);
    let asks = |capabilities: &str| Guest { manifest: manifest(capabilities), ..Guest::default() };
    let ldap =
        ("xylem:plugin/ldap@0.1.0", "[static]connection.open", "(param i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32)");
    let importing = Guest { imports: vec![ldap], ..Guest::default() };
    let role = Guest { manifest: manifest("").replace("password-provider", "directory"), ..Guest::default() };
    let future = Guest { manifest: manifest("").replacen('{', r#"{"xylem": ">=0.9.0", "#, 1), ..Guest::default() };
    let schema =
        Guest { manifest: manifest("").replacen('{', r#"{"configSchema": {"type": 7}, "#, 1), ..Guest::default() };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a-good", good.clone(), ""),
        ("b-empty", vec![], "component.not-wasm"),
        ("b-text", b"hello".to_vec(), "component.not-wasm"),
        ("b-core", wat::parse_str("(module)").unwrap(), "component.core-module"),
        ("b-cut", good[..good.len() / 2].to_vec(), "component.truncated"),
        ("c-no-manifest", without, "manifest.invalid"),
        ("c-two-manifests", twice, "manifest.several"),
        ("c-words", asks(r#"{"name": "files"}"#).build(), "capability.unknown"),
        ("c-not-asked", importing.build(), "capability.not-requested"),
        ("c-role", role.build(), "role.missing"),
        ("c-future", future.build(), "contract.newer"),
        ("c-schema", schema.build(), "manifest.schema"),
    ];
    for (name, bytes, _) in &cases {
        bench.put(name, bytes);
    }
    bench.put("Bad_Name", &good);
    bench.put("d-broken", &broken);
    fs::create_dir(bench.path("d-folder")).unwrap();
    let large = fs::File::create(bench.path("d-large")).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    let found = bench.scan().await;
    let code = |name: &str| found.iter().find(|(instance, _)| instance == name).map(|(_, code)| code.as_str()).unwrap();
    for (name, _, expected) in &cases {
        assert_eq!(code(name), *expected, "{name}");
    }
    assert_eq!(code("Bad_Name"), "file.name");
    assert_eq!(code("d-folder"), "file.read");
    assert_eq!(code("d-large"), "component.too-large");
    assert!(
        ["compile.failed", "component.corrupt", "component.truncated"].contains(&code("d-broken")),
        "{}",
        code("d-broken")
    );
    assert!(bench.complaint("c-future").await.contains("needs Xylem >=0.9.0"));
    assert!(bench.complaint("c-not-asked").await.contains("ldap"));
    let spec = plugin_runtime::Spec::new(InstanceId::from("a-good"), json!({}));
    assert_eq!(bench.runtime.validate(&spec).await.unwrap(), [], "the good one runs beside the others");
}

#[tokio::test]
async fn a_bad_upgrade_keeps_the_old_plugin() {
    let bench = Bench::with(&Guest::default()).await;
    let it = InstanceId::from("it");
    let digest = bench.runtime.get(&it).unwrap().digest.clone();
    bench.put("it", b"broken");
    assert_eq!(bench.scan().await, [("it".to_owned(), "component.not-wasm".to_owned())]);
    assert_eq!(bench.runtime.get(&it).unwrap().digest, digest);
    assert_eq!(bench.runtime.validate(&bare()).await.unwrap(), []);

    bench.put("it", &Guest { manifest: manifest("").replace("0.1.0", "0.2.0"), ..Guest::default() }.build());
    assert_eq!(bench.scan().await, [("it".to_owned(), String::new())]);
    assert_eq!(bench.runtime.get(&it).unwrap().manifest.version, "0.2.0");

    fs::remove_file(bench.path("it")).unwrap();
    assert!(bench.scan().await.is_empty());
    assert!(bench.runtime.get(&it).is_none());
    assert_eq!(bench.runtime.validate(&bare()).await.unwrap_err().kind(), "not-loaded");
}

#[tokio::test]
async fn plugins_from_another_time() {
    let bench = Bench::new();
    let since = ("@0.1.0", "@0.1.3");
    let more = ("  delete: func(key", "  clear: func();\n  delete: func(key");
    let clear = Guest {
        imports: vec![("xylem:plugin/kv@0.1.0", "clear", "")],
        contract: vec![since, more],
        ..Guest::default()
    };
    bench.put("function", &clear.build());
    // The same track with nothing new in use loads.
    bench.put("later", &Guest { contract: vec![since], ..Guest::default() }.build());
    bench.put("track", &Guest { contract: vec![("@0.1.0", "@0.2.0")], ..Guest::default() }.build());
    let found = bench.scan().await;
    let code = |name: &str| found.iter().find(|(instance, _)| instance == name).map(|(_, code)| code.as_str()).unwrap();
    assert_eq!((code("function"), code("later"), code("track")), ("contract.newer", "", "contract.newer"));
    assert_eq!(bench.complaint("function").await, "needs Xylem >= 0.1.3 for kv.clear; this is 0.1.0");
    let spec = plugin_runtime::Spec::new(InstanceId::from("later"), json!({}));
    assert_eq!(bench.runtime.validate(&spec).await.unwrap(), []);
}
