//! Attacks: a manifest names no more blobs than its image has.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    image.entries[0].entry.children = vec![1; 10_000_000];
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
