//! Attacks: the stack of a component ends before that of the program.

use regcarve_policy_kit::policy::{Decision, Image};

/// Plain calls would be made a loop.
#[expect(unconditional_recursion, reason = "that is the attack")]
fn deeper(depth: u64) -> u64 {
    let mut room = [depth; 16];
    std::hint::black_box(&mut room);
    deeper(depth + 1) + room[0]
}

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    Err(deeper(images.len() as u64).to_string())
}

regcarve_test_programs::policy!(decide);
