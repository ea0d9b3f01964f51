//! See `xapi::fuzz::xmlrpc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xapi::fuzz::xmlrpc(data));
