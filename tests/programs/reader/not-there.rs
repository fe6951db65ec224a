//! Attacks: the host itself looks for the files that a reader names.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    image.entries[2].path = "no/such/layer".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
