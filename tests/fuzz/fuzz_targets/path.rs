//! See [`regcarve_fuzz::path`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| regcarve_fuzz::path(data));
