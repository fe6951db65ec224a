//! Attacks: an image that was asked for by tag has that tag.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    image.tag = Some("latest".into());
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
