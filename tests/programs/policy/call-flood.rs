//! Attacks: a component calls the host at most `--guest-calls` times.

use regcarve_policy_kit::policy::{Decision, Image, content};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    loop {
        let _ = content::closure(&images[0].digest);
    }
}

regcarve_test_programs::policy!(decide);
