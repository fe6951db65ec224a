//! A friend with a mistake: the text of a panic reaches the log.
#![allow(clippy::panic, reason = "that is what it is for")]

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    panic!("the rule has a hole")
}

regcarve_test_programs::policy!(decide);
