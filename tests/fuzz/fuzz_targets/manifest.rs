//! See [`regcarve_fuzz::manifest`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| regcarve_fuzz::manifest(data));
