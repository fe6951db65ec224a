//! Attacks: one answer has at most so many bytes.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    Ok((0..4_000_000).map(|_| Decision::Keep).collect())
}

regcarve_test_programs::policy!(decide);
