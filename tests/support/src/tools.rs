//! Which real tools are here, what happens when one is not, and whether everything is tried or a sample.

use std::env;
use std::path::PathBuf;

/// Set to `1` where every test of the whole must run, as on a build server.
const REQUIRED: &str = "REGCARVE_REQUIRE_E2E";

/// Set where everything is tried that a usual run tries a sample of.
const LONG: &str = "REGCARVE_LONG";

/// `long` where everything is to be tried, else `short`.
pub fn long_or<T>(long: T, short: T) -> T {
    if env::var_os(LONG).is_some() {
        long
    } else {
        short
    }
}

/// Tells whether all these programs are installed.
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
    eprintln!("SKIPPED: {reason}; tests/README.md says what each suite needs");
}

/// Fails if any of so many cases failed, and shows the first of them: one is enough to understand the others.
#[track_caller]
pub fn assert_none(failed: &[String], cases: usize) {
    assert!(
        failed.is_empty(),
        "{} of {cases} cases failed:\n\n{}",
        failed.len(),
        failed[..failed.len().min(8)].join("\n\n")
    );
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
