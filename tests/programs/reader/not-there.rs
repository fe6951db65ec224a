//! Attacks: the host itself looks for the files that a reader names.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    image.contents[2].path = "no/such/layer".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
