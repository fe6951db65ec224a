//! Attacks: waiting for a clock that stands still counts as time of the component.

use std::time::{Duration, Instant};

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_secs(3600));
    }
    Err("BREACH: the clock goes".into())
}

regcarve_test_programs::policy!(decide);
