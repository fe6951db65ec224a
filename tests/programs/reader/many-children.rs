//! Attacks: nobody has ten million children, least of all in an image of three files.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    image.contents[0].content.children = vec![1; 10_000_000];
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
