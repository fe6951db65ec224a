//! Attacks: no text of a component steers a terminal.

use regcarve_policy_kit::policy::{Decision, Image};
use regcarve_policy_kit::{Level, log};
use regcarve_test_programs::ESCAPES;

fn decide(repository: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    log(Level::Error, ESCAPES);
    println!("{ESCAPES}");
    eprintln!("{ESCAPES}");
    if repository == "team/tool" {
        return Err(ESCAPES.into());
    }
    Ok(images
        .iter()
        .map(|_| Decision::Drop(ESCAPES.into()))
        .collect())
}

regcarve_test_programs::policy!(decide);
