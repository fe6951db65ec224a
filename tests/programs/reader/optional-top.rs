//! Attacks: there is no image without its manifest, whoever says that it is optional.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    image.contents[0].optional = true;
    image.contents[0].path = "no/such/manifest".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
