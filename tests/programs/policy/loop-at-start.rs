//! Attacks: a component is made within `--guest-time`, before it is called at all.

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, _: &[Image]) -> Result<Vec<Decision>, String> {
    Ok(Vec::new())
}

extern "C" fn constructor() {
    regcarve_test_programs::spin()
}

#[expect(unsafe_code, reason = "how a linker is told of a constructor")]
#[cfg(target_family = "wasm")]
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;

#[cfg(not(target_family = "wasm"))]
const _: extern "C" fn() = constructor;

regcarve_test_programs::policy!(decide);
