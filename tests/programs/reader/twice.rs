//! Attacks: every digest occurs once in an image.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    let again = image.entries[2].clone();
    image.entries.push(again);
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
