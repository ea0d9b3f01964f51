//! `cargo xtask up` from the first to the last line, in a made-up clone where cargo, npm, the daemon and the simulator are
//! scripts: what is built when, what is printed, what is remembered, what happens when a program dies.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::support::{all_gone, end, kill, until};

const POOLS: [&str; 2] = ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels"];

const CARGO: &str = r#"#!/bin/sh
echo "cargo $*" >>"$ROOT/calls"
case "$*" in
*wasm32-wasip2*)
    mkdir -p target/w; echo component >target/w/auth_ldap.wasm
    echo '{"reason":"compiler-artifact","manifest_path":"'$ROOT'/plugins/auth-ldap/Cargo.toml","target":{"kind":["cdylib"],"name":"auth_ldap"},"profile":{"test":false},"filenames":["'$PWD'/target/w/auth_ldap.wasm"],"executable":null}' ;;
*--bins*)
    if [ -e "$ROOT/slow" ]; then echo $$ >"$ROOT/cargo.pid"; echo 'Compiling the world' >&2; sleep 60; fi
    if [ -e "$ROOT/broken" ]; then echo 'error: expected `;`' >&2; exit 101; fi
    for name in xylem xapi-sim; do
        echo '{"reason":"compiler-artifact","manifest_path":"/x/Cargo.toml","target":{"kind":["bin"],"name":"'$name'"},"profile":{"test":false},"filenames":[],"executable":"'$ROOT/bin/$name'"}'
    done ;;
esac
"#;

const NPM: &str = r#"#!/bin/sh
echo "npm $*" >>"$ROOT/calls"
[ "$*" = ci ] || { mkdir -p dist; echo page >dist/index.html; }
"#;

/// Tells address and a fingerprint like the real one, then waits.
const SIMULATOR: &str = r#"#!/usr/bin/env python3
import json, os, socket, sys, time
word = lambda name: sys.argv[sys.argv.index(name) + 1]
host, port = word("--listen").split(":")
listener = socket.create_server((host, int(port)))
open(os.path.join(word("--certificate-folder"), "pid"), "w").write(str(os.getpid()))
assert os.path.exists(word("--dump")) and "--tls" in sys.argv and len(word("--password")) == 24
print(json.dumps({"url": "https://" + word("--listen"), "fingerprint": "ab:" + port, "control": ""}), flush=True)
time.sleep(60)
"#;

/// Writes a password once, and counts every configured server as a connected pool.
const DAEMON: &str = r#"#!/usr/bin/env python3
import http.server, os, sys
word = lambda name: sys.argv[sys.argv.index(name) + 1]
state = word("--state")
if not os.path.exists(state + "/known"):
    open(state + "/admin-password", "w").write("Secret24\n")
    open(state + "/known", "w")
config = open(word("--config")).read()
assert sys.argv[1] == "serve" and os.path.exists(word("--plugins") + "/auth-ldap.wasm")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = 'xylem_pools{state="connected"} %d\n' % config.count("[[servers]]")
        self.send_response(200); self.end_headers(); self.wfile.write(body.encode())
host, port = word("--listen").split(":")
server = http.server.HTTPServer((host, int(port)), Handler)
open(state + "/pid", "w").write(str(os.getpid()))
print("the daemon's log", flush=True)
server.serve_forever()
"#;

struct Clone {
    root: PathBuf,
}

/// A running `up`, with what it has printed so far in files.
struct Up<'a> {
    clone: &'a Clone,
    child: Child,
}

impl Clone {
    fn new(name: &str) -> Clone {
        let root = std::env::temp_dir().join(format!("xtask-up-{}-{name}", std::process::id()));
        let lock = r#"{"packages": {}}"#;
        for (path, text) in [
            ("tests/xtask/Cargo.toml", ""),
            ("web/package-lock.json", lock),
            ("web/node_modules/.package-lock.json", lock),
            ("web/src/main.ts", "1"),
            ("plugins/Cargo.toml", ""),
            ("rust/lib/rustlib/wasm32-wasip2/lib/x", ""),
            ("bin/cargo", CARGO),
            ("bin/npm", NPM),
            ("bin/node", "#!/bin/sh\necho v20.20.2\n"),
            ("bin/rustc", "#!/bin/sh\necho \"$ROOT/rust\"\n"),
            ("bin/xapi-sim", SIMULATOR),
            ("bin/xylem", DAEMON),
        ] {
            write(&root.join(path), text);
        }
        for pool in POOLS {
            write(&root.join(format!("tests/xapi-sim/data/{pool}.json")), "{}");
        }
        Clone { root }
    }

    fn up(&self, words: &[&str]) -> Up<'_> {
        let path = std::env::var("PATH").expect("PATH");
        let file = |name: &str| std::fs::File::create(self.root.join(name)).expect("create");
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("up").args(words).current_dir(&self.root);
        command.env("ROOT", &self.root).env("PATH", format!("{}:{path}", self.root.join("bin").display()));
        command.env("CARGO", self.root.join("bin/cargo")).env("CARGO_MANIFEST_DIR", &self.root);
        command.env("CARGO_TARGET_DIR", self.root.join("target"));
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
        Up { clone: self, child: command.spawn().expect("start xtask") }
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    /// The calls of cargo and npm since the last look.
    fn calls(&self) -> Vec<String> {
        let calls =
            self.read("calls").lines().map(|line| line.split(" --m").next().unwrap_or(line).to_owned()).collect();
        let _ = std::fs::remove_file(self.root.join("calls"));
        calls
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

impl Up<'_> {
    /// Waits for the last line and returns the lines on standard output.
    fn lines(&mut self) -> Vec<String> {
        until("the password is printed", || {
            if let Some(status) = self.child.try_wait().expect("wait") {
                panic!("up ended with {status}:\n{}", self.clone.read("stderr"));
            }
            let out = self.clone.read("stdout");
            (out.contains("Password:") && out.ends_with('\n')).then(|| out.lines().map(str::to_owned).collect())
        })
    }

    fn pids(&self) -> Vec<u32> {
        let files = [".xylem/sim/1/pid", ".xylem/sim/2/pid", ".xylem/state/pid"];
        files.iter().filter_map(|file| self.clone.read(file).parse().ok()).collect()
    }

    fn stop(&mut self) {
        let pids = self.pids();
        kill("-TERM", self.child.id());
        let (took, code) = end(&mut self.child);
        assert_eq!(code, Some(0), "{}", self.clone.read("stderr"));
        assert!(took < Duration::from_secs(5), "{took:?}");
        all_gone(&pids);
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("make");
    std::fs::write(path, text).expect("write");
    if text.starts_with("#!") {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("make executable");
    }
}

/// A free port below those that Linux gives to others by itself, so that it is still free when `up` wants it. Every test
/// is a process of its own or has the counter, so no two ask for the same.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = u16::try_from(std::process::id() % 900).expect("below 900") * 10;
    loop {
        let port = 10_000 + (base + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[test]
fn a_first_start_builds_and_a_second_reuses_everything() {
    let clone = Clone::new("first");
    let port = free_port();
    let mut up = clone.up(&["--port", &port.to_string()]);
    let open = format!("Open: http://127.0.0.1:{port}");
    assert_eq!(up.lines(), [open.as_str(), "User: admin", "Password: Secret24"]);
    assert_eq!(
        clone.calls(),
        ["npm run build", "cargo build --release --target wasm32-wasip2 --workspace", "cargo build --workspace --bins"]
    );
    let config = clone.read(".xylem/xylem.toml");
    assert_eq!(config.matches("[[servers]]\n").count(), 2, "{config}");
    assert!(config.contains("fingerprint = \"ab:") && config.contains(POOLS[1]), "{config}");
    let words = clone.read("stderr");
    assert!(words.contains("daemon and simulator: build: done") && !words.contains('\x1b'), "{words}");
    up.stop();

    std::fs::remove_file(clone.root.join(".xylem/state/admin-password")).expect("change the password");
    let mut up = clone.up(&[]);
    assert_eq!(up.lines(), [open.as_str(), "User: admin", "Password: (changed)"]);
    assert!(!clone.calls().iter().any(|call| call.starts_with("npm")));
    assert_eq!(clone.read(".xylem/xylem.toml"), config);

    let mut second = clone.up(&[]);
    assert_eq!(end(&mut second.child).1, Some(1));
    assert!(clone.read("stderr").contains("already at work"), "{}", clone.read("stderr"));
    up.stop();
}

#[test]
fn a_port_that_somebody_took_is_replaced_and_the_configuration_follows() {
    let clone = Clone::new("ports");
    let mut up = clone.up(&["--port", &free_port().to_string()]);
    up.lines();
    up.stop();
    let before = clone.read(".xylem/xylem.toml");
    let host = before.lines().find_map(|line| line.strip_prefix("host = \"")).expect("a host").trim_end_matches('"');
    let _taken = TcpListener::bind(host).expect("take the port of the first simulator");
    let mut up = clone.up(&[]);
    up.lines();
    assert!(!clone.read(".xylem/xylem.toml").contains(host));
    assert!(clone.read("stderr").contains("is taken now"), "{}", clone.read("stderr"));
    up.stop();
}

#[test]
fn a_program_that_dies_later_is_named_with_its_log_and_all_stop() {
    let clone = Clone::new("dies");
    let mut up = clone.up(&["--port", &free_port().to_string()]);
    up.lines();
    let pids = up.pids();
    assert_eq!(pids.len(), 3);
    kill("-KILL", pids[2]);
    assert_eq!(end(&mut up.child).1, Some(1));
    let words = clone.read("stderr");
    assert!(words.contains("the daemon ended by itself (signal 9)") && words.contains("the daemon's log"), "{words}");
    all_gone(&pids);
}

#[test]
fn a_program_that_cannot_start_is_told_with_its_words() {
    let clone = Clone::new("cannot");
    write(&clone.root.join("bin/xylem"), "#!/bin/sh\necho 'cannot open the store' >&2\nexit 3\n");
    let mut up = clone.up(&["--port", &free_port().to_string()]);
    assert_eq!(end(&mut up.child).1, Some(1));
    let words = clone.read("stderr");
    assert!(words.contains("exit code 3") && words.contains("cannot open the store"), "{words}");
    all_gone(&up.pids());
    assert_eq!(clone.read("stdout"), "");
}

#[test]
fn without_the_demo_the_daemon_is_alone_and_its_files_are_its_own() {
    let clone = Clone::new("alone");
    let port = free_port();
    let words = ["--no-demo", "--port", &port.to_string()];
    let mut up = clone.up(&words);
    assert_eq!(up.lines()[0], format!("Open: http://127.0.0.1:{port}"));
    let pid = clone.read(".xylem/own/state/pid").parse().expect("a daemon");
    assert!(!clone.root.join(".xylem/sim").exists() && !clone.root.join(".xylem/state").exists());
    up.stop();
    all_gone(&[pid]);

    // The file is the administrator's from now on.
    let config = clone.root.join(".xylem/own/xylem.toml");
    let mine = clone.read(".xylem/own/xylem.toml") + "# mine\n";
    std::fs::write(&config, &mine).expect("edit");
    let mut up = clone.up(&words);
    up.lines();
    up.stop();
    assert_eq!(clone.read(".xylem/own/xylem.toml"), mine);
}

#[test]
fn a_stop_while_it_builds_ends_the_build() {
    let clone = Clone::new("building");
    write(&clone.root.join("slow"), "");
    let mut up = clone.up(&["--port", &free_port().to_string()]);
    let cargo = until("cargo runs", || clone.read("cargo.pid").trim().parse().ok());
    kill("-TERM", up.child.id());
    let (took, code) = end(&mut up.child);
    assert!(code == Some(143) && took < Duration::from_secs(3), "{code:?} {took:?}");
    all_gone(&[cargo]);
}

#[test]
fn a_build_that_fails_shows_why() {
    let clone = Clone::new("broken");
    write(&clone.root.join("broken"), "");
    let mut up = clone.up(&["--port", &free_port().to_string()]);
    assert_eq!(end(&mut up.child).1, Some(1));
    let words = clone.read("stderr");
    assert!(words.contains("error: expected `;`") && words.contains("exit code 101"), "{words}");
}
