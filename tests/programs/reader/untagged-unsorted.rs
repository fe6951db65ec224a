//! Attacks: untagged manifests are sorted, and each is listed once.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(image: Image, _: &ImageRequest) -> Resolution {
    Resolution::Found(image)
}

fn untagged() -> Vec<String> {
    vec![format!("sha256:{:064x}", 1); 2]
}

regcarve_test_programs::reader!(
    resolve,
    regcarve_test_programs::no_referrers,
    untagged: untagged
);
