//! The client: commands that talk to a running daemon, over its WebSocket or REST.
//!
//! Nothing here is touched by `xylem serve`. Results go to standard output, bars and errors to standard error, so that each
//! command can stand in a pipe.
//!
//! | file       | what                                                             |
//! |------------|------------------------------------------------------------------|
//! | `registry` | servers and tokens in the user's configuration folder            |
//! | `http`     | one HTTP client for everything: REST, downloads, the upgrade     |
//! | `rpc`      | JSON-RPC over the WebSocket                                      |
//! | `values`   | name=value                                                       |
//! | `commands` | list-commands, and the description of one method                 |
//! | `call`     | methods and list-objects                                         |
//! | `rest`     | the REST verbs, and tasks that are followed                      |
//! | `output`   | standard output, files, progress                                 |

mod account;
mod call;
mod commands;
mod http;
pub(crate) mod output;
mod registry;
mod rest;
mod rpc;
mod values;

pub(crate) use account::ask_secret;

use anyhow::{Context, Result};

use crate::args::Client;

/// Runs a command of the client.
pub(crate) fn run(command: Client, url: Option<&str>) -> Result<()> {
    alone(async {
        match command {
            Client::Register(args) => account::register(args).await,
            Client::Unregister(args) => account::unregister(args, url).await,
            Client::CreateToken(args) => account::create_token(args).await,
            Client::ListCommands(args) => commands::list(&args, url).await,
            Client::ListObjects(args) => call::list_objects(&args.args, url).await,
            Client::Rest(args) => rest::run(args.verb, url).await,
        }
    })
}

/// Calls a method.
pub(crate) fn call(args: &[String], url: Option<&str>) -> Result<()> {
    alone(call::method(args, url))
}

/// Runs something to its end on this thread.
fn alone(work: impl Future<Output = Result<()>>) -> Result<()> {
    // More than one TLS library could be built in; an earlier word of somebody else is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().context("start the runtime")?;
    runtime.block_on(work)
}
