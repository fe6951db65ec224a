//! See [`regcarve_fuzz::list`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| regcarve_fuzz::list(data));
