//! Attacks: what a person is told stays readable; all that a policy has to say is very long.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    let long = "why ".repeat(1 << 20);
    let missing = |_: &Image| Decision::Missing(long.clone());
    Ok(images.iter().map(missing).collect())
}

regcarve_test_programs::policy!(decide);
