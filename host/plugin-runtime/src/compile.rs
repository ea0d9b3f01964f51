//! Compiles components in a child process with limits, because compiling untrusted code is outside wasmtime's promises.
//!
//! The child reads the component from stdin and writes machine code to stdout. It has no environment, a process group of its
//! own, and dies when its parent loses interest. What it may use it limits itself, before it has read the first byte.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use rlimit::Resource;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::LoadError;
use crate::engine::on_demand_engine;
use crate::inspect::MAX_COMPONENT;

/// Address space of the child. A Python plugin needs 0.64 GiB.
const ADDRESS_SPACE: u64 = 2 << 30;

/// Processor seconds of the child; a Python plugin needs 10.
const CPU_SECONDS: u64 = 180;

/// Wall clock, for a machine that is busy with other things.
const WALL: Duration = Duration::from_secs(300);

/// Bytes of machine code that the parent takes; see the cache.
const MAX_CODE: u64 = 512 << 20;

/// Compiles a component. `argv` starts [`compile_worker`].
pub(crate) async fn compile(argv: &[OsString], component: &[u8]) -> Result<Vec<u8>, LoadError> {
    compile_within(argv, component, WALL).await
}

async fn compile_within(argv: &[OsString], component: &[u8], wall: Duration) -> Result<Vec<u8>, LoadError> {
    let failed = |message: String| LoadError::new("compile.failed", format!("it cannot be compiled: {message}"));
    let (program, arguments) = argv.split_first().ok_or_else(|| failed("no compiler is configured".to_owned()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        // Each compiling thread takes address space for its stack and arena; two keep the limit far away on any machine.
        .env("RAYON_NUM_THREADS", "2")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| LoadError::new("compile.unavailable", format!("the compiler cannot be started: {error}")))?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(failed("the compiler has no pipes".to_owned()));
    };
    let work = async {
        let (mut code, mut words) = (vec![], vec![]);
        let (mut stdout, mut stderr) = (stdout.take(MAX_CODE), stderr.take(64 << 10));
        let feed = async {
            // A child that dies while it is fed says why on stderr; the broken pipe says nothing more.
            let _ = stdin.write_all(component).await;
            drop(stdin);
        };
        let (_, read, _) = tokio::join!(feed, stdout.read_to_end(&mut code), stderr.read_to_end(&mut words));
        let status = child.wait().await;
        read.and(status).map(|status| (status, code, words))
    };
    match tokio::time::timeout(wall, work).await {
        Err(_) => {
            let message = format!("it was not compiled within {} s", wall.as_secs());
            Err(LoadError::new("compile.timeout", message))
        }
        Ok(Err(error)) => Err(failed(error.to_string())),
        Ok(Ok((status, code, _))) if status.success() && !code.is_empty() => Ok(code),
        Ok(Ok((status, _, words))) => {
            let words = String::from_utf8_lossy(&words);
            let words = words.trim();
            Err(failed(if words.is_empty() { status.to_string() } else { crate::log::cut(words, 2_048).to_owned() }))
        }
    }
}

/// Main of the child process: component on stdin, compiled code on stdout, limits set before the first byte is read. To be
/// called before anything else is set up: threads and buffers of the caller would count against the limits.
pub fn compile_worker() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<(), String> {
    let said = |error: std::io::Error| error.to_string();
    for (resource, limit) in [(Resource::AS, ADDRESS_SPACE), (Resource::CPU, CPU_SECONDS), (Resource::CORE, 0)] {
        rlimit::setrlimit(resource, limit, limit).map_err(said)?;
    }
    let mut component = vec![];
    std::io::stdin().lock().take(MAX_COMPONENT + 1).read_to_end(&mut component).map_err(said)?;
    if component.len() as u64 > MAX_COMPONENT {
        return Err("the component is too large".to_owned());
    }
    let engine = on_demand_engine().map_err(|error| error.to_string())?;
    let code = engine.precompile_component(&component).map_err(|error| format!("{error:#}"))?;
    let mut out = std::io::stdout().lock();
    out.write_all(&code).and_then(|()| out.flush()).map_err(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(script: &str, wall: Duration) -> Result<Vec<u8>, LoadError> {
        let argv = ["/bin/sh", "-c", script].map(OsString::from);
        compile_within(&argv, &vec![0; 1 << 20], wall).await
    }

    #[tokio::test]
    async fn a_bad_child_is_an_error() {
        let long = Duration::from_secs(60);
        for (script, code, words) in [
            ("exit 0", "compile.failed", "exit status: 0"),
            ("cat > /dev/null; echo out of memory >&2; exit 1", "compile.failed", "out of memory"),
            ("kill -ABRT $$", "compile.failed", "SIGABRT"),
        ] {
            let error = run(script, long).await.unwrap_err();
            assert!(error.code == code && error.message.contains(words), "{script}: {error:?}");
        }
        let home = run("cat > /dev/null; printf \"[$HOME$CARGO_MANIFEST_DIR]\"", long).await.unwrap();
        assert_eq!(home, b"[]", "the child has no environment");
        let nobody = [OsString::from("/nonexistent")];
        assert_eq!(compile_within(&nobody, b"", long).await.unwrap_err().code, "compile.unavailable");
        let error = run("exec sleep 1000", Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.code, "compile.timeout");
    }
}
