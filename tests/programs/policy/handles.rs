//! Attacks: a component holds at most so many handles.

#![expect(
    unsafe_code,
    reason = "a plain import: the safe ones give their handles back"
)]

use regcarve_policy_kit::policy::{Decision, Image};

#[cfg_attr(
    target_family = "wasm",
    link(wasm_import_module = "wasi:clocks/monotonic-clock@0.2.6")
)]
unsafe extern "C" {
    /// Makes a handle of something that can be waited for.
    #[link_name = "subscribe-duration"]
    safe fn subscribe_duration(nanoseconds: u64) -> i32;
}

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    loop {
        std::hint::black_box(subscribe_duration(1));
    }
}

regcarve_test_programs::policy!(decide);
