//! Attacks: a rewritten image holds new manifests and old content of its own, nothing else.

use regcarve_policy_kit::policy::{Decision, Image, NewManifest, Rewritten};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    let rewritten = |image: &Image| Rewritten {
        manifests: vec![NewManifest {
            media_type: "application/vnd.oci.image.manifest.v1+json".into(),
            bytes: b"{}".to_vec(),
            instead_of: image.digest.clone(),
        }],
        // The digest of `hello`, a layer of an image that nobody asked for.
        contents: vec![
            "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824".into(),
        ],
    };
    Ok(images
        .iter()
        .map(|image| Decision::Rewrite(rewritten(image)))
        .collect())
}

regcarve_test_programs::policy!(decide);
