//! Compiles one component from stdin to stdout; what the tests start in place of `xylem plugin-compile`.

fn main() -> std::process::ExitCode {
    plugin_runtime::compile_worker()
}
