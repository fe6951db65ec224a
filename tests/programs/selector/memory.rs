//! Attacks: a component has at most `--guest-memory`, whatever its role.

use regcarve_policy_kit::selector::{Selection, Selector};

struct Program;

impl Selector for Program {
    fn parse(_: &str, _: &str) -> Selection {
        regcarve_test_programs::hoard()
    }
}

regcarve_policy_kit::selector!(Program);
