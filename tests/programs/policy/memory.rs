//! Attacks: a component has at most `--guest-memory`.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    regcarve_test_programs::hoard()
}

regcarve_test_programs::policy!(decide);
