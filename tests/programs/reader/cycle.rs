//! Attacks: a graph that names itself makes nobody run in circles.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};
use regcarve_policy_kit::{Kind, Platform};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    let platform = Platform {
        os: "linux".into(),
        architecture: "amd64".into(),
        variant: None,
        os_version: None,
    };
    for located in &mut image.contents {
        located.content.children = vec![0, 1, 2];
        located.content.platform = Some(platform.clone());
    }
    image.contents[0].content.kind = Kind::Index;
    image.contents[1].content.kind = Kind::Manifest;
    image.contents[1].content.describes = Some(image.digest.clone());
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
