//! Attacks: a manifest is never optional.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    image.entries[0].optional = true;
    image.entries[0].path = "no/such/manifest".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
