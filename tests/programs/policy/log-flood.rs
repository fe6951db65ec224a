//! Attacks: the log of a component is limited, whatever it is made of.

use std::io::Write as _;

use regcarve_policy_kit::policy::{Decision, Image};
use regcarve_policy_kit::{Level, log};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    let long = "x".repeat(1 << 20);
    for _ in 0..8 {
        log(Level::Warn, &long);
    }
    // Small ones that become long when they are printed.
    log(Level::Warn, &"\n".repeat(1 << 19));
    log(Level::Error, &"\x1b".repeat(1 << 19));
    for _ in 0..20_000 {
        log(Level::Warn, ".");
        let _ = writeln!(std::io::stdout(), "stdout has no limit of its own");
        let _ = writeln!(std::io::stderr(), "nor has stderr");
    }
    Ok(images.iter().map(|_| Decision::Keep).collect())
}

regcarve_test_programs::policy!(decide);
