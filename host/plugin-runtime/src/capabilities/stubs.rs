//! Interfaces whose bodies come with later versions: linked, so that every plugin loads, and answered with `unsupported`.
//!
//! Each goes through the gate first, so a plugin without the grant hears `denied` now as it will then.

use wasmtime::component::Resource;

use crate::bindings::xylem::plugin::{
    api, downloads, inventory, jobs, mail, notify, notify_types, operations, remotes, repository, saml, sockets, stats,
    transfer, types, xapi, xapi_streams,
};
use crate::ctx::{Ctx, Fault};
use crate::matrix;

/// A pipeline of a transfer that will never start.
pub struct Pipeline;

type Text = String;
type Pairs = Vec<(String, String)>;
type Label = Option<String>;

/// Functions with a result: `<trait> <interface> { <name in Rust> <name in the contract> (<parameters>) -> <result>; }`, then
/// what the trait has besides them.
macro_rules! stubs {
    ($trait:path, $interface:literal, {
        $($name:ident $function:literal ($($arg:ident: $ty:ty),*) -> $ret:ty;)*
    } $($rest:tt)*) => {
        impl $trait for Ctx {
            $(
                #[allow(clippy::too_many_arguments)]
                async fn $name(&mut self, $($arg: $ty),*) -> Result<$ret, Fault> {
                    $( let _ = $arg; )*
                    self.stub(const { matrix::row($interface, $function) })
                }
            )*
            $($rest)*
        }
    };
}

stubs!(inventory::Host, "inventory", {
    get "get" (id: Text, fields: Vec<Text>) -> Text;
    find "find" (kind: Text, filter: Option<Text>, fields: Vec<Text>) -> Resource<inventory::Cursor>;
    count "count" (kind: Text, filter: Option<Text>) -> u64;
});
stubs!(inventory::HostCursor, "inventory", {
    next "[method]cursor.next" (it: Resource<inventory::Cursor>, max: u32) -> Vec<Text>;
}
async fn drop(&mut self, it: Resource<inventory::Cursor>) -> wasmtime::Result<()> {
    self.table.delete(it)?;
    Ok(())
});

stubs!(stats::Host, "stats", {
    query "query" (object: Text, granularity: stats::Granularity, metrics: Vec<Text>) -> stats::Window;
    latest "latest" (objects: Vec<Text>, metrics: Vec<Text>) -> Vec<stats::Reading>;
    summary "summary" (objects: Vec<Text>, metrics: Vec<Text>, over: u64) -> Vec<stats::Digest>;
});

stubs!(xapi::Host, "xapi", {
    call "call" (pool: Text, method: Text, args: Vec<Text>) -> Text;
    start "start" (pool: Text, method: Text, args: Vec<Text>, label: Label) -> Text;
    fetch "fetch" (pool: Text, path: Text) -> Vec<u8>;
});

stubs!(api::Host, "api", {
    call "call" (method: Text, params: Text) -> Text;
});

stubs!(operations::Host, "operations", {
    status "status" (id: Text, wait: u64) -> operations::Progress;
    cancel "cancel" (id: Text) -> ();
}
/// Outside a run nothing was started.
async fn started(&mut self) -> wasmtime::Result<Vec<operations::Labelled>> {
    Ok(vec![])
});

stubs!(jobs::Host, "jobs", {
    start "start" (job: Text, key: Option<Text>, params: Text, label: Label) -> Text;
    signal "signal" (run: Text, value: Text) -> ();
}
/// Lost, as the contract says, when there is no task.
async fn report(&mut self, _: jobs::Line) -> wasmtime::Result<()> {
    Ok(())
});

stubs!(notify::Host, "notify", {
    publish "publish" (notification: notify_types::Notification) -> ();
});

stubs!(transfer::Host, "transfer", {
    start "start" (pipeline: Resource<Pipeline>, outputs: Vec<Resource<transfer::Sink>>, label: Label) -> Text;
});

impl transfer::HostSource for Ctx {
    async fn size(&mut self, _: Resource<transfer::Source>) -> wasmtime::Result<Option<u64>> {
        Ok(None)
    }

    async fn drop(&mut self, it: Resource<transfer::Source>) -> wasmtime::Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl transfer::HostSink for Ctx {
    async fn room(&mut self, _: Resource<transfer::Sink>) -> wasmtime::Result<Option<u64>> {
        Ok(None)
    }

    async fn drop(&mut self, it: Resource<transfer::Sink>) -> wasmtime::Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

/// Stages cannot fail: what is wrong with one is said by `start`.
macro_rules! stages {
    ($($name:ident($($arg:ident: $ty:ty)?);)*) => {
        impl transfer::HostPipeline for Ctx {
            async fn new(&mut self, input: Resource<transfer::Source>) -> wasmtime::Result<Resource<Pipeline>> {
                self.table.delete(input)?;
                Ok(self.table.push(Pipeline)?)
            }

            $(
                async fn $name(&mut self, _: Resource<Pipeline>, $($arg: $ty)?) -> wasmtime::Result<()> {
                    $( let _ = $arg; )?
                    Ok(())
                }
            )*

            async fn drop(&mut self, it: Resource<Pipeline>) -> wasmtime::Result<()> {
                self.table.delete(it)?;
                Ok(())
            }
        }
    };
}
stages! {
    unzip_entry(glob: Text);
    gzip(level: u8);
    gunzip();
    zstd(level: u8);
    unzstd();
    encrypt(secret: Text);
    decrypt(secret: Text);
    verify(digest: Text);
    measure(algorithm: Text);
    limit_rate(rate: u64);
    expect_size(bytes: u64);
}

stubs!(downloads::Host, "downloads", {
    open "open" (url: Text, headers: Pairs) -> Resource<transfer::Source>;
});

stubs!(xapi_streams::Host, "xapi-streams", {
    export_vm "export-vm" (vm: Text, compression: xapi_streams::Compression) -> Resource<transfer::Source>;
    import_vm "import-vm" (sr: Text, keep: bool) -> Resource<transfer::Sink>;
    export_disk "export-disk" (disk: Text, base: Option<Text>, format: transfer::DiskFormat) -> Resource<transfer::Source>;
    import_disk "import-disk" (disk: Text, format: transfer::DiskFormat) -> Resource<transfer::Sink>;
    create_disk "create-disk" (sr: Text, name: Text, format: transfer::DiskFormat) -> Resource<transfer::Sink>;
    export_pool_metadata "export-pool-metadata" (pool: Text) -> Resource<transfer::Source>;
    upload_patch "upload-patch" (host: Text, sr: Option<Text>) -> Resource<transfer::Sink>;
});

stubs!(remotes::Host, "remotes", {
    available "available" () -> Vec<remotes::Remote>;
    files "files" (remote: Text, prefix: Text, after: Option<Text>, max: u32) -> Vec<remotes::File>;
    stat "stat" (remote: Text, path: Text) -> remotes::File;
    rename "rename" (remote: Text, path: Text, new_path: Text) -> ();
    delete "delete" (remote: Text, path: Text) -> ();
    read_small "read-small" (remote: Text, path: Text) -> Vec<u8>;
    write_small "write-small" (remote: Text, path: Text, content: Vec<u8>) -> ();
    read "read" (remote: Text, path: Text) -> Resource<transfer::Source>;
    write "write" (remote: Text, path: Text) -> Resource<transfer::Sink>;
});

type Repository = Resource<repository::Store>;

impl repository::Host for Ctx {}

stubs!(repository::HostStore, "repository", {
    open "[static]store.open" (remote: Text, path: Text, key: Option<Text>) -> Repository;
    write_disk "[method]store.write-disk" (it: Repository, name: Text, parent: Option<Text>, metadata: Text) -> Resource<transfer::Sink>;
    read_disk "[method]store.read-disk" (it: Repository, name: Text, base: Option<Text>, format: transfer::DiskFormat) -> Resource<transfer::Source>;
    indexes "[method]store.indexes" (it: Repository, prefix: Text, after: Option<Text>, max: u32) -> Vec<repository::Index>;
    delete "[method]store.delete" (it: Repository, name: Text) -> ();
    verify "[method]store.verify" (it: Repository, prefix: Text, deep: bool, label: Label) -> Text;
    collect_garbage "[method]store.collect-garbage" (it: Repository, label: Label) -> Text;
}
async fn drop(&mut self, it: Repository) -> wasmtime::Result<()> {
    self.table.delete(it)?;
    Ok(())
});

stubs!(saml::Host, "saml", {
    begin "begin" (settings: saml::Settings, relay_state: Text) -> saml::Redirect;
    finish "finish" (settings: saml::Settings, response: Text, request: Option<Text>) -> saml::Assertion;
    sign_out "sign-out" (settings: saml::Settings, session: saml::Session, relay_state: Text) -> Option<saml::Redirect>;
    signed_out "signed-out" (settings: saml::Settings, binding: saml::Binding, raw: Text, request: Option<Text>) -> saml::SignOutMessage;
    service_metadata "service-metadata" (settings: saml::Settings) -> Text;
});

stubs!(mail::Host, "mail", {
    send "send" (server: types::Endpoint, login: Option<mail::Login>, message: mail::Message) -> Text;
});

type Socket = Resource<sockets::Connection>;

stubs!(sockets::Host, "sockets", {
    send_datagram "send-datagram" (host: Text, port: u16, bytes: Vec<u8>) -> ();
});
stubs!(sockets::HostConnection, "sockets", {
    open "[static]connection.open" (server: types::Endpoint) -> Socket;
    start_tls "[method]connection.start-tls" (it: Socket) -> ();
    send "[method]connection.send" (it: Socket, bytes: Vec<u8>) -> ();
    receive "[method]connection.receive" (it: Socket, max: u32, wait: u64) -> Vec<u8>;
}
async fn drop(&mut self, it: Socket) -> wasmtime::Result<()> {
    self.table.delete(it)?;
    Ok(())
});
