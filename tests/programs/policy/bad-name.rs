//! Attacks: a new name is a name, not a path.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    Ok(images
        .iter()
        .map(|_| Decision::Rename("../../../etc/cron.d:v1".into()))
        .collect())
}

regcarve_test_programs::policy!(decide);
