//! Attacks: what the host found damaged does not become whole because a policy keeps it.

use regcarve_policy_kit::Kind;
use regcarve_policy_kit::policy::{Decision, Image, content};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    for image in images {
        let contents = content::closure(&image.digest).map_err(|failure| failure.to_string())?;
        for config in contents.iter().filter(|one| one.kind == Kind::Config) {
            drop(content::read_blob(&config.digest));
        }
    }
    Ok(images.iter().map(|_| Decision::Keep).collect())
}

regcarve_test_programs::policy!(decide);
