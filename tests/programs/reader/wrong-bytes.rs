//! Attacks: the host itself hashes manifests. This one is a file of the same size with other bytes.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(mut image: Image, _: &Wanted) -> Resolution {
    image.contents[0].path = "forged".into();
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
