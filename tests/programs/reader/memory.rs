//! Attacks: a component has at most `--guest-memory`, whatever its role.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

fn resolve(_: Image, _: &ImageRequest) -> Resolution {
    regcarve_test_programs::hoard()
}

regcarve_test_programs::reader!(resolve);
