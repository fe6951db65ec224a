//! Attacks: messages stay readable, however many damages a reader reports.

use regcarve_layout_kit::raw::{Damage, Image, ImageRequest, Resolution};
use regcarve_test_programs::ESCAPES;

fn resolve(_: Image, _: &ImageRequest) -> Resolution {
    let damage = |number| Damage {
        path: format!("{ESCAPES}/{number}"),
        cause: format!("{ESCAPES} {number}"),
    };
    Resolution::Damaged((0..200_000).map(damage).collect())
}

regcarve_test_programs::reader!(resolve);
