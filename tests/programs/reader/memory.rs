//! Attacks: a component has at most `--guest-memory`, whatever its role.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(_: Image, _: &Wanted) -> Resolution {
    regcarve_test_programs::hoard()
}

regcarve_test_programs::reader!(resolve);
