//! Attacks: an image that was asked for by tag has that tag.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    image.tag = Some("latest".into());
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
