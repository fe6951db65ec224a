//! Attacks: untagged manifests count as bytes that the host has read.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(image: Image, _: &ImageRequest) -> Resolution {
    Resolution::Found(image)
}

fn untagged() -> Vec<String> {
    (0..200_000)
        .map(|number| format!("sha256:{number:064x}"))
        .collect()
}

regcarve_test_programs::reader!(
    resolve,
    regcarve_test_programs::no_referrers,
    untagged: untagged
);
