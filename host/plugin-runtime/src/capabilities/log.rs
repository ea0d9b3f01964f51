//! `log`: the log of the plugin instance.

use crate::LogLevel;
use crate::bindings::xylem::plugin::log;
use crate::ctx::Ctx;

impl log::Host for Ctx {
    async fn write(
        &mut self,
        level: log::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Trace => LogLevel::Trace,
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.call.watch.count_host_call();
        self.call.log.write(level, &message, &fields);
        Ok(())
    }
}
