//! The contract in Rust, generated from `wit/`. `Host` in these names means us, `Guest` the plugin.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "everything",
    imports: { default: async | trappable },
    exports: { default: async },
    // Our functions return `Result<T, Fault>`: an error value for the plugin, or a trap for our own defects.
    trappable_error_type: { "xylem:plugin/types.error" => crate::ctx::Fault },
    with: {
        "wasi:http": wasmtime_wasi_http::p2::bindings::http,
        "wasi": wasmtime_wasi::p2::bindings,
        "xylem:plugin/secrets.secret": crate::capabilities::config::SecretHandle,
        "xylem:plugin/ldap.connection": crate::capabilities::ldap::Connection,
        "xylem:plugin/ldap.entries": crate::capabilities::ldap::Entries,
        "xylem:plugin/transfer.pipeline": crate::capabilities::stubs::Pipeline,
    },
    require_store_data_send: true,
});
