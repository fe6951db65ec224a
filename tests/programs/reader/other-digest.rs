//! Attacks: an image that was asked for by digest is the image with that digest.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(image: Image, _: &ImageRequest) -> Resolution {
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
