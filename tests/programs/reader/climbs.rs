//! Attacks: files of an image are below the source, whatever the reader says.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    image.contents[2].path = "../secret".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
