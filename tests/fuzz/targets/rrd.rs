//! See `xapi::fuzz::rrd`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xapi::fuzz::rrd(data));
