//! Attacks: a call ends within `--guest-time`.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    regcarve_test_programs::spin()
}

regcarve_test_programs::policy!(decide);
