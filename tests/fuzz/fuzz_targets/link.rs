//! See [`regcarve_fuzz::link`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| regcarve_fuzz::link(data));
