//! Attacks: files of an image are below the source, whatever the reader says.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    image.entries[2].path = "../secret".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
