//! See `inventory::fuzz::filter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| inventory::fuzz::filter(data));
