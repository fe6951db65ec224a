//! Attacks: one answer has at most so many bytes.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    Ok(vec![Decision::Drop("x".repeat(100 << 20))])
}

regcarve_test_programs::policy!(decide);
