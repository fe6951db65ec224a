//! A friend that sleeps: the clock stands still, so there is nothing to wait for.

use std::time::Duration;

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    std::thread::sleep(Duration::from_secs(3600));
    Ok(images.iter().map(|_| Decision::Keep).collect())
}

regcarve_test_programs::policy!(decide);
