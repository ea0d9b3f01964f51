//! Processes, seen from a test: signals to them, waiting for facts about them, and whether they are gone.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

pub(crate) fn kill(signal: &str, pid: u32) {
    let status = Command::new("/bin/kill").args([signal, &pid.to_string()]).status().expect("run kill");
    assert!(status.success(), "kill {signal} {pid}");
}

/// Polls for a fact, at most ten seconds.
pub(crate) fn until<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(value) = fact() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Gone, or a zombie that only waits for its parent to look.
pub(crate) fn is_gone(pid: u32) -> bool {
    match std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")) {
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')),
        Err(_) => true,
    }
}

pub(crate) fn all_gone(pids: &[u32]) {
    for &pid in pids {
        until(&format!("process {pid} is gone"), || is_gone(pid).then_some(()));
    }
}

/// Waits for the end of `child`; how long it took, and its exit code.
pub(crate) fn end(child: &mut Child) -> (Duration, Option<i32>) {
    let begun = Instant::now();
    let status = until("the program ends", || child.try_wait().expect("wait"));
    (begun.elapsed(), status.code())
}
