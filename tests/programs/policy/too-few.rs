//! Attacks: there are as many decisions as images.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    Ok(images[1..].iter().map(|_| Decision::Keep).collect())
}

regcarve_test_programs::policy!(decide);
