//! Every way to tamper with a file of the cache ends in a recompilation.

use std::os::unix::fs::symlink;

use super::*;
use crate::engine::on_demand_engine;

struct Bench {
    _folder: tempfile::TempDir,
    engine: Engine,
    cache: Cache,
    code: Vec<u8>,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let engine = on_demand_engine().unwrap();
    let cache = Cache::open(&folder.path().join("cache"), &[7; 32], &engine).unwrap();
    let code = engine.precompile_component(&wat::parse_str("(component)").unwrap()).unwrap();
    cache.store("aa", &code);
    Bench { _folder: folder, engine, cache, code }
}

impl Bench {
    fn hits(&self, component: &str) -> bool {
        self.cache.load(&self.engine, component).is_some()
    }
}

#[test]
fn keeps_code_privately() {
    let bench = bench();
    assert!(bench.hits("aa") && !bench.hits("bb"));
    let path = bench.cache.path("aa");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    assert!(bench.cache.map(&bench.engine, &bench.code).is_ok(), "this system has nameless files that can be mapped");
    assert!(bench.cache.adopt(&bench.engine, &bench.code).is_ok());
}

#[test]
fn tampering_is_a_miss() {
    let bench = bench();
    let path = bench.cache.path("aa");
    let good = fs::read(&path).unwrap();
    let header = bench.cache.header("aa").len();
    let put = |bytes: &[u8]| {
        fs::remove_file(&path).unwrap();
        File::options().write(true).create_new(true).mode(0o600).open(&path).unwrap().write_all(bytes).unwrap();
    };
    for at in [0, header - 2, header, good.len() / 2, good.len() - MAC - 1, good.len() - MAC, good.len() - 1] {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        put(&flipped);
        assert!(!bench.hits("aa"), "a flipped bit at {at}");
    }
    for length in [0, header, header + MAC - 1, good.len() - 1] {
        put(&good[..length]);
        assert!(!bench.hits("aa"), "cut off at {length}");
    }
    put(&[&good[..], b"x"].concat());
    assert!(!bench.hits("aa"), "something behind it");
    put(&good);
    assert!(bench.hits("aa"));

    bench.cache.store("bb", &bench.code);
    fs::rename(bench.cache.path("bb"), &path).unwrap();
    assert!(!bench.hits("aa"), "another plugin's file");

    put(&good);
    let elsewhere = path.with_extension("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    assert!(!bench.hits("aa"), "a symbolic link");
    bench.cache.store("aa", &bench.code);
    assert!(!fs::symlink_metadata(&path).unwrap().is_symlink() && bench.hits("aa"), "replaced by compiling");

    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(!bench.hits("aa"), "readable by others");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(!bench.hits("aa"), "a folder");
}

#[test]
fn other_keys_and_engines_are_misses() {
    let bench = bench();
    let folder = bench.cache.folder.clone();
    let other = Cache::open(&folder, &[8; 32], &bench.engine).unwrap();
    assert!(other.load(&bench.engine, "aa").is_none(), "another key");

    let mut older = Cache::open(&folder, &[7; 32], &bench.engine).unwrap();
    older.engine = "0".repeat(64);
    older.store("aa", &bench.code);
    fs::rename(older.path("aa"), bench.cache.path("aa")).unwrap();
    assert!(!bench.hits("aa"), "an older engine's file");

    // Authentic, but not code: what a defect of ours could leave behind.
    bench.cache.store("aa", b"not code");
    assert!(!bench.hits("aa"));
}

#[test]
fn prunes_what_is_old_and_unused() {
    let bench = bench();
    let used = [bench.cache.path("aa")];
    bench.cache.store("bb", &bench.code);
    let later = SystemTime::now() + KEEP * 2;
    bench.cache.prune(&used, SystemTime::now());
    assert!(bench.hits("bb"));
    bench.cache.prune(&used, later);
    assert!(bench.hits("aa") && !bench.hits("bb"));
}
