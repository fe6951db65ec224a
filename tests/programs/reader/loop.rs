//! Attacks: a call of a reader ends within `--guest-time`.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(_: Image, _: &ImageRequest) -> Resolution {
    regcarve_test_programs::spin()
}

regcarve_test_programs::reader!(resolve);
