//! Attacks: positions are within the list.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    image.entries[0].entry.children = vec![1, 2, u32::MAX];
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
