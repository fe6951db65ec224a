//! Attacks: a call of a selector ends within `--guest-time`.

use regcarve_policy_kit::selector::{Selection, Selector};

struct Program;

impl Selector for Program {
    fn parse(_: &str, _: &str) -> Selection {
        regcarve_test_programs::spin()
    }
}

regcarve_policy_kit::selector!(Program);
