//! Starts a program as the leader of its own process group, and ends the whole group.
//!
//! A group of its own keeps a Ctrl-C in the terminal away from it: we decide when it stops, and what it started goes too.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::signals::{Signals, Woken};

/// How long a group may take to stop by itself. The promise to the user is five seconds for everything.
pub const SOFT_STOP: Duration = Duration::from_secs(3);

/// Starts `command` in a process group of its own, without standard input. The kernel kills it when the calling
/// *thread* ends, so call this from the main thread.
#[allow(unsafe_code)]
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    let parent = std::process::id();
    command.process_group(0).stdin(Stdio::null());
    // SAFETY: between fork and exec the closure only calls sigemptyset, sigprocmask, prctl and getppid, which are
    // async-signal-safe, and builds errors that do not allocate; `none` is initialised before it is used.
    unsafe {
        command.pre_exec(move || {
            // A mask survives exec: without this the program would never hear our SIGTERM.
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            if libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before prctl; then no signal will ever come.
            if libc::getppid() != parent as libc::pid_t {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
    command.spawn()
}

/// Sends `signal` to every process of the group that `leader` leads. Returns whether there was any.
#[allow(unsafe_code)]
pub fn signal(leader: u32, signal: i32) -> bool {
    let group = libc::pid_t::try_from(leader).expect("a process id fits pid_t, it came from the kernel");
    // SAFETY: kill touches no memory. The group is not reused: its leader is our child, reaped only by `stop`, and
    // `stop` asks no more once the group was seen empty.
    unsafe { libc::kill(-group, signal) == 0 }
}

/// Says whether the group that `leader` leads still has a process that runs. Zombies do not count: in a container
/// nobody may ever reap them.
fn is_alive(leader: u32) -> bool {
    if !signal(leader, 0) {
        return false;
    }
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    processes.flatten().any(|entry| {
        // `pid (name) state ppid pgrp ...`; the name may hold anything, so look after its end.
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let state = fields.next();
        fields.nth(1) == Some(leader.to_string().as_str()) && !matches!(state, Some("Z" | "X"))
    })
}

/// Stops all `children` and what they started: SIGTERM, then SIGKILL for what is left after [`SOFT_STOP`] or at a second
/// request to stop. Returns the names of those that had to be killed.
pub fn stop(signals: &Signals, children: &mut [(&str, &mut Child)]) -> io::Result<Vec<String>> {
    let mut left: Vec<usize> = (0..children.len()).collect();
    for (_, child) in children.iter() {
        signal(child.id(), libc::SIGTERM);
    }
    let deadline = Instant::now() + SOFT_STOP;
    let mut killed = Vec::new();
    let mut impatient = false;
    loop {
        let mut still = Vec::new();
        for index in left {
            // The leader first: while it is not reaped, it counts as a member of its group.
            let ended = children[index].1.try_wait()?.is_some();
            if !ended || is_alive(children[index].1.id()) {
                still.push(index);
            }
        }
        left = still;
        if left.is_empty() {
            return Ok(killed);
        }
        if impatient || Instant::now() >= deadline {
            for &index in &left {
                signal(children[index].1.id(), libc::SIGKILL);
                let _ = children[index].1.wait();
                killed.push(children[index].0.to_owned());
            }
            return Ok(killed);
        }
        // The end of a grandchild raises no signal here, hence the short wait.
        impatient = matches!(signals.wait(Duration::from_millis(20))?, Woken::Stop(_));
    }
}

/// Says how a process ended, in words: `exit code 1`, `signal 9`.
pub fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
