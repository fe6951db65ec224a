//! Attacks: the host itself looks at the size of the files that a reader names.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    image.entries[2].entry.size += 1;
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
