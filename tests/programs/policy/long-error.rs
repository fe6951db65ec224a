//! Attacks: what a person is told stays readable; this answer is just below the limit of one answer.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    Err("the end is near\n".repeat(3 << 20))
}

regcarve_test_programs::policy!(decide);
