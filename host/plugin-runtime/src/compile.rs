//! Compiles components in a child process with limits, because compiling untrusted code is outside wasmtime's promises.

use std::process::ExitCode;

/// Main of the child process: component on stdin, compiled code on stdout, limits set before the first byte is read.
pub fn compile_worker() -> ExitCode {
    ExitCode::FAILURE
}
