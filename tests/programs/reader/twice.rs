//! Attacks: every digest occurs once in an image.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    let again = image.contents[2].clone();
    image.contents.push(again);
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
