//! Attacks: the host itself looks at the size of the files that a reader names.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    image.contents[2].content.size += 1;
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
