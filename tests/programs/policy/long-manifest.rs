//! Attacks: no registry serves a manifest of more than 4 MiB, so nobody has to keep one.

use regcarve_policy_kit::policy::{Decision, Image, NewManifest, Rewritten};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    let rewritten = |image: &Image| Rewritten {
        manifests: vec![NewManifest {
            media_type: "application/vnd.oci.image.manifest.v1+json".into(),
            bytes: vec![b' '; (4 << 20) + 1],
            instead_of: image.digest.clone(),
        }],
        contents: Vec::new(),
    };
    Ok(images
        .iter()
        .map(|image| Decision::Rewrite(rewritten(image)))
        .collect())
}

regcarve_test_programs::policy!(decide);
