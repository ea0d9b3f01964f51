//! Keeping processes, seen from outside: the real xtask with dummy programs, real signals, and nothing left afterwards.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::{all_gone, kill, until};

/// A folder and an xtask that keeps `commands` in it.
struct Kept {
    folder: PathBuf,
    xtask: Child,
}

impl Kept {
    /// Starts and waits until every command has written its `<n>.pid`.
    fn start(name: &str, commands: &[&str]) -> Kept {
        Kept::start_with(name, &mut Command::new(env!("CARGO_BIN_EXE_xtask")), commands)
    }

    fn start_with(name: &str, xtask: &mut Command, commands: &[&str]) -> Kept {
        let folder = std::env::temp_dir().join(format!("xtask-it-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("make a folder");
        xtask.arg("supervise").args(commands).current_dir(&folder);
        let mut xtask = xtask.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start xtask");
        let mut line = String::new();
        BufReader::new(xtask.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        assert_eq!(line, "started\n");
        Kept { folder, xtask }
    }

    fn pid(&self, file: &str) -> u32 {
        let path = self.folder.join(file);
        until(&format!("{file} is written"), || std::fs::read_to_string(&path).ok()?.trim().parse().ok())
    }

    fn signal(&self, signal: &str) {
        kill(signal, self.xtask.id());
    }

    /// Waits for the end and returns how long it took, how it ended and what was said.
    fn end(&mut self) -> (Duration, ExitStatus, String) {
        let begun = Instant::now();
        let status = until("xtask ends", || self.xtask.try_wait().expect("wait"));
        let mut words = String::new();
        let mut stderr = self.xtask.stderr.take().expect("piped");
        std::io::Read::read_to_string(&mut stderr, &mut words).expect("read");
        (begun.elapsed(), status, words)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.xtask.kill();
        let _ = self.xtask.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const OBEYS: &str = "echo $$ >0.pid; sleep 100 & echo $! >0.grandchild; wait";

#[test]
fn a_stop_request_ends_everything_quickly() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let mut kept = Kept::start(&format!("stop{signal}"), &[OBEYS, "echo $$ >1.pid; exec sleep 100"]);
        let pids = [kept.pid("0.pid"), kept.pid("0.grandchild"), kept.pid("1.pid")];
        kept.signal(signal);
        let (took, status, words) = kept.end();
        assert!(status.success(), "{signal}: {status} {words}");
        assert!(took < Duration::from_secs(3), "{signal}: {took:?}");
        all_gone(&pids);
    }
}

#[test]
fn under_nohup_a_closed_terminal_stops_nothing() {
    let mut kept = Kept::start_with("nohup", Command::new("nohup").arg(env!("CARGO_BIN_EXE_xtask")), &[OBEYS]);
    let pids = [kept.pid("0.pid"), kept.pid("0.grandchild")];
    kept.signal("-HUP");
    kept.signal("-TERM");
    let (_, status, words) = kept.end();
    assert!(status.success(), "{status} {words}");
    assert!(words.contains("Stopped by signal 15."), "{words}");
    all_gone(&pids);
}

#[test]
fn a_program_that_ignores_the_request_is_killed_with_its_children() {
    let deaf = "trap '' TERM; echo $$ >0.pid; sh -c \"trap '' TERM; echo \\$\\$ >0.grandchild; while :; do sleep 1; done\" & while :; do sleep 1; done";
    let mut kept = Kept::start("deaf", &[deaf]);
    let pids = [kept.pid("0.pid"), kept.pid("0.grandchild")];
    kept.signal("-TERM");
    let (took, status, words) = kept.end();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(words.contains("command 0 did not stop when asked and was killed."), "{words}");
    all_gone(&pids);
}

#[test]
fn a_second_request_does_not_wait() {
    let mut kept = Kept::start("impatient", &["trap '' TERM; echo $$ >0.pid; while :; do sleep 1; done"]);
    let pid = kept.pid("0.pid");
    kept.signal("-TERM");
    let begun = Instant::now();
    // Requests that come before the first was read are one request, so ask until it is over.
    until("xtask gives in", || {
        if kept.xtask.try_wait().expect("wait").is_some() {
            return Some(());
        }
        let _ = Command::new("/bin/kill").args(["-INT", &kept.xtask.id().to_string()]).stderr(Stdio::null()).status();
        None
    });
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    all_gone(&[pid]);
}

#[test]
fn a_program_that_dies_is_named_with_its_last_words_and_the_others_stop() {
    let dies = "echo 'no space left' >&2; until [ -e go ]; do sleep 0.02; done; exit 7";
    let mut kept = Kept::start("dies", &[OBEYS, dies]);
    let pids = [kept.pid("0.pid"), kept.pid("0.grandchild")];
    std::fs::write(kept.folder.join("go"), "").expect("write");
    let (_, status, words) = kept.end();
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("command 1 ended by itself (exit code 7)"), "{words}");
    assert!(words.contains("no space left"), "{words}");
    all_gone(&pids);
}

#[test]
fn when_xtask_itself_is_killed_its_programs_die_too() {
    let mut kept = Kept::start(
        "killed",
        &["echo $$ >0.pid; exec sleep 100", "trap '' TERM INT HUP; echo $$ >1.pid; while :; do sleep 0.2; done"],
    );
    let pids = [kept.pid("0.pid"), kept.pid("1.pid")];
    kept.signal("-KILL");
    let (_, status, _) = kept.end();
    assert!(!status.success());
    all_gone(&pids);
}

#[test]
fn a_wrong_word_is_named_and_help_is_help() {
    let run = |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_xtask")).args(words).output().expect("run xtask");
    let wrong = run(&["dance"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("there is no task \"dance\""));
    let help = run(&["up", "--help"]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--no-demo"));
}
