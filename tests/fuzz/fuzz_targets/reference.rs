//! See [`regcarve_fuzz::reference`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| regcarve_fuzz::reference(data));
