//! Attacks: an image that was asked for by digest is the image with that digest.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(image: Image, _: &Wanted) -> Resolution {
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
