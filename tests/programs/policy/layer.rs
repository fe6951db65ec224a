//! Attacks: of the images at hand a policy reads manifests and configs, not layers.

use regcarve_policy_kit::Kind;
use regcarve_policy_kit::policy::{Decision, Image, content};
use regcarve_test_programs::refused;

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    let contents = content::closure(&images[0].digest).map_err(|failure| failure.to_string())?;
    let layer = contents
        .iter()
        .find(|content| content.kind == Kind::Layer)
        .ok_or("no layer")?;
    Err(refused("layer", content::read_blob(&layer.digest)).to_string())
}

regcarve_test_programs::policy!(decide);
