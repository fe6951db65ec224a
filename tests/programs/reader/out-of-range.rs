//! Attacks: positions are within the list.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    image.contents[0].content.children = vec![1, 2, u32::MAX];
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
