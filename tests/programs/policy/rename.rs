//! Friendly: an image may get another name; every image of `team/*` becomes `release/app` with the tag it has.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    let renamed = |image: &Image| match &image.tag {
        Some(tag) => Decision::Rename(format!("release/app:{tag}")),
        None => Decision::Keep,
    };
    Ok(images.iter().map(renamed).collect())
}

regcarve_test_programs::policy!(decide);
