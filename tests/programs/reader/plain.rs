//! A friend: an own storage format, as a reader.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(image: Image, request: &ImageRequest) -> Resolution {
    match request.tag.as_deref() {
        Some("v1") => Resolution::Found(image),
        _ => Resolution::Missing("there is only v1".into()),
    }
}

regcarve_test_programs::reader!(resolve);
