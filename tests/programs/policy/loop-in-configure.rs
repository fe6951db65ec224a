//! Attacks: a call ends within `--guest-time`, also the one that takes the settings.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    Ok(Vec::new())
}

regcarve_test_programs::policy!(decide, || regcarve_test_programs::spin());
