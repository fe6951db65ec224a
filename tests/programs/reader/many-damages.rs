//! Attacks: what a person is told stays readable.

use regcarve_policy_kit::layout::{Damage, Image, Resolution, Wanted};
use regcarve_test_programs::ESCAPES;

fn resolve(_: Image, _: &Wanted) -> Resolution {
    let damage = |number| Damage {
        path: format!("{ESCAPES}/{number}"),
        cause: format!("{ESCAPES} {number}"),
    };
    Resolution::Damaged((0..200_000).map(damage).collect())
}

regcarve_test_programs::reader!(resolve);
