//! See `xapi::fuzz::jsonrpc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xapi::fuzz::jsonrpc(data));
