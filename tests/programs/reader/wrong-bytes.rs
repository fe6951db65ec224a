//! Attacks: the host itself hashes manifests. This one is a file of the same size with other bytes.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    image.entries[0].path = "forged".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
