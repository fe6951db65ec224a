//! Attacks: a policy reads what belongs to the images of the call at hand, and nothing else.

use std::cell::RefCell;

use regcarve_policy_kit::policy::{Decision, Image, content};
use regcarve_test_programs::refused;

thread_local! {
    /// A digest of the repository before this one.
    static BEFORE: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    let own = &images[0].digest;
    content::read_blob(own).map_err(|failure| format!("its own manifest: {failure}"))?;
    if let Some(foreign) = BEFORE.replace(Some(own.clone())) {
        for nonsense in ["", "sha256:", "sha256:../../../etc/passwd", "latest"] {
            refused(nonsense, content::read_blob(nonsense));
        }
        refused("closure", content::closure(&foreign));
        return Err(refused("manifest", content::read_blob(&foreign)).to_string());
    }
    Ok(images.iter().map(|_| Decision::Keep).collect())
}

regcarve_test_programs::policy!(decide);
