//! Attacks: a closure that is a cycle is followed once.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};
use regcarve_layout_kit::raw::{Kind, Platform};

fn resolve(mut image: Image, _: &ImageRequest) -> Resolution {
    let platform = Platform {
        os: "linux".into(),
        architecture: "amd64".into(),
        variant: None,
        os_version: None,
    };
    for located in &mut image.entries {
        located.entry.children = vec![0, 1, 2];
        located.entry.platform = Some(platform.clone());
    }
    image.entries[0].entry.kind = Kind::Index;
    image.entries[1].entry.kind = Kind::Manifest;
    image.entries[1].entry.describes = Some(image.digest.clone());
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
