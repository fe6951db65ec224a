//! Attacks: of a manifest only layers are optional.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    image.entries[1].optional = true;
    image.entries[1].path = "no/such/config".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
