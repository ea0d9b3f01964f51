//! The host side of the contract: one file for each capability, and one table that links them.

pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod http;
pub(crate) mod kv;
pub(crate) mod ldap;
pub(crate) mod ldap_filter;
#[cfg(test)]
mod ldap_tests;
pub(crate) mod ldap_wire;
pub(crate) mod log;
pub(crate) mod net;
pub(crate) mod stdio;
pub(crate) mod stubs;
pub(crate) mod tls;
mod types;

use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};

use crate::bindings::xylem::plugin as contract;
use crate::ctx::Ctx;

/// Links every interface that a component may import. Each is there for real or as a stub that says `unsupported`: a missing one
/// would take down the types of its neighbours. WASI has nothing behind it but clocks and random; sockets are not linked.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Ctx>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    wasmtime_wasi_http::p2::add_to_linker_async(l)?; // io, clocks, random, stdin/out/err, http
    macro_rules! wasi_cli {
        ($($name:ident)*) => { $( cli::$name::add_to_linker::<Ctx, WasiCli>(l, Ctx::cli)?; )* };
    }
    wasi_cli!(environment exit terminal_input terminal_output terminal_stdin terminal_stdout terminal_stderr);
    random::insecure_seed::add_to_linker::<Ctx, WasiRandom>(l, Ctx::random)?;
    // JavaScript imports the file system; there is nothing in it.
    filesystem::types::add_to_linker::<Ctx, WasiFilesystem>(l, Ctx::filesystem)?;
    filesystem::preopens::add_to_linker::<Ctx, WasiFilesystem>(l, Ctx::filesystem)?;
    macro_rules! ours {
        ($($name:ident)*) => { $( contract::$name::add_to_linker::<Ctx, HasSelf<Ctx>>(l, |ctx| ctx)?; )* };
    }
    ours!(types auth_types notify_types);
    ours!(context log config secrets reveal kv ldap);
    ours!(inventory stats xapi api operations jobs notify transfer downloads xapi_streams remotes repository saml mail sockets);
    Ok(linker)
}
