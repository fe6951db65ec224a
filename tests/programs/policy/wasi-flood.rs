//! Attacks: calls of WASI are calls, too.

use std::time::Instant;

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    loop {
        std::hint::black_box(Instant::now());
    }
}

regcarve_test_programs::policy!(decide);
