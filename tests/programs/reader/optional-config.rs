//! Attacks: of a manifest only layers are optional.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    image.contents[1].optional = true;
    image.contents[1].path = "no/such/config".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
