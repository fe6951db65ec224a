//! Attacks: a call of a reader ends within `--guest-time`.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(_: Image, _: &Wanted) -> Resolution {
    regcarve_test_programs::spin()
}

regcarve_test_programs::reader!(resolve);
