//! Attacks: an untagged manifest that is listed and cannot be found is damage, whatever the reader makes of it.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(image: Image, request: &ImageRequest) -> Resolution {
    match request.tag {
        Some(_) => Resolution::Found(image),
        None => Resolution::NoRepository,
    }
}

fn untagged() -> Vec<String> {
    vec![format!("sha256:{:064x}", 1)]
}

regcarve_test_programs::reader!(
    resolve,
    regcarve_test_programs::no_referrers,
    untagged: untagged
);
