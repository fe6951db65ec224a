//! Which real tools are here, and what happens when one is not.

use std::env;
use std::path::PathBuf;

/// Set to `1` where every test of the whole must run, as on a build server.
const REQUIRED: &str = "REGCARVE_REQUIRE_E2E";

/// Whether all these programs are installed.
///
/// Where one is missing the caller should return: the reason has been printed, loudly, because a
/// test that silently proves nothing is worse than none. With `REGCARVE_REQUIRE_E2E=1` it panics.
pub fn require(programs: &[&str]) -> bool {
    let missing: Vec<&str> = programs
        .iter()
        .copied()
        .filter(|program| find(program).is_none())
        .collect();
    if missing.is_empty() {
        return true;
    }
    skip(&format!("not installed: {}", missing.join(", ")));
    false
}

/// Says that a test is skipped and why; panics where no test may be skipped.
pub fn skip(reason: &str) {
    assert!(
        env::var_os(REQUIRED).is_none_or(|value| value != "1"),
        "{REQUIRED}=1 forbids to skip this test: {reason}"
    );
    eprintln!("SKIPPED: {reason}; see README.md for what the tests need");
}

/// The first file of this name in the folders of `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_shell_and_not_a_dream() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-at-all").is_none());
    }
}
