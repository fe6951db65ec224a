//! One guest, one run, one verdict.

use std::path::Path;
use std::time::Duration;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::programs::program;
use regcarve_test_support::snapshot::{Snapshot, assert_same};
use regcarve_test_support::tree::staging_beside;

use super::storages::{two_storages, with_own_cache};

/// A component failed or was refused.
pub(crate) const COMPONENT: i32 = 5;
/// The source is damaged.
pub(crate) const DAMAGED: i32 = 4;
/// Something is missing, or a line is no reference.
pub(crate) const MISSING: i32 = 3;
/// A friend, or one whose attack comes to nothing.
pub(crate) const COMPLETE: i32 = 0;

/// Time of the guest in one call, in seconds, where time is not what the row is about: a busy machine is slow.
const TIME: &[&str] = &["--guest-time", "10"];
/// The flags of rows that are about time.
pub(crate) const ONE_SECOND: &[&str] = &["--guest-time", "1"];
/// Calls of the guest into the host.
const CALLS: &[&str] = &["--guest-calls", "200000"];
/// The time that a run may take besides that of its guest.
const MORE: Duration = Duration::from_millis(500);
/// A busy machine may make a run late; a limit that does not hold makes every run late.
const ATTEMPTS: usize = 4;
/// The default memory of a guest, and 128 MiB.
const MEMORY: u64 = (256 + 128) << 20;
/// The most that a person is told, in bytes.
const MESSAGES: usize = 2 << 20;

/// A row of a table.
pub(crate) struct Case {
    /// As in `tests/programs`: `policy-loop` is `policy/loop.rs`.
    pub(crate) program: &'static str,
    /// The subcommand.
    pub(crate) command: &'static str,
    /// More flags than the others get.
    pub(crate) flags: &'static [&'static str],
    /// How the run ends.
    pub(crate) code: i32,
    /// Words that the messages hold.
    pub(crate) says: &'static [&'static str],
}

impl Case {
    pub(crate) const fn new(
        program: &'static str,
        code: i32,
        says: &'static [&'static str],
    ) -> Self {
        Self {
            program,
            command: "run",
            flags: &[],
            code,
            says,
        }
    }

    /// The storage is verified, and nothing is carved from it.
    pub(crate) const fn verifying(mut self) -> Self {
        self.command = "verify";
        self
    }

    pub(crate) const fn with(mut self, flags: &'static [&'static str]) -> Self {
        self.flags = flags;
        self
    }
}

/// How a guest gets into a run: the arguments behind `run` for a component at a path.
pub(crate) type Invitation = fn(&Fixture, &str) -> Vec<String>;

/// Runs all guests of a role, one after the other, and collects everything that is wrong. `asked` is what a run asks for
/// where a row says nothing else.
#[track_caller]
pub(crate) fn hold(cases: &[Case], asked: &[&str], invite: Invitation) {
    let _alone = super::super::alone();
    let fixture = two_storages();
    let mut wrong = String::new();
    for case in cases {
        let path = program(case.program).display().to_string();
        let mut arguments = invite(&fixture, &path);
        let mut asked = asked;
        if case.command == "verify" {
            arguments.truncate(1);
            asked = &[];
        }
        for usual in [TIME, CALLS, asked] {
            if usual.first().is_some_and(|flag| !case.flags.contains(flag)) {
                arguments.extend(usual.iter().map(ToString::to_string));
            }
        }
        arguments.extend(case.flags.iter().map(ToString::to_string));
        for problem in run(&fixture, case, &path, &arguments) {
            wrong += &format!("{}: {problem}\n", case.program);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Runs one guest until it is in time, or has had all its attempts; what was wrong then.
fn run(fixture: &Fixture, case: &Case, path: &str, arguments: &[String]) -> Vec<String> {
    let output = fixture.path("output");
    let mut problems = Vec::new();
    for _ in 0..ATTEMPTS {
        let before = ["source", "flat", "secret"].map(|name| Snapshot::take(fixture.path(name)));
        let outcome = with_own_cache(fixture)
            .arg(case.command)
            .args(arguments)
            .outcome();
        for before in &before {
            assert_same(before, &before.again());
        }
        problems = violations(case, path, &outcome, &output);
        if output.is_dir() {
            std::fs::remove_dir_all(&output).expect("remove an output");
        }
        let time = if case.flags == ONE_SECOND { 1 } else { 10 };
        if outcome.took < Duration::from_secs(time) + MORE {
            return problems;
        }
        problems.push(format!("it ended after {:?}", outcome.took));
    }
    problems
}

fn violations(case: &Case, path: &str, outcome: &Outcome, output: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let said = &outcome.stderr;
    let shown: String = said.chars().take(2_000).collect();
    let mut unless = |good: bool, problem: String| {
        if !good {
            found.push(problem);
        }
    };
    unless(
        outcome.code == case.code,
        format!("exit code {}, not {}\n{shown}", outcome.code, case.code),
    );
    for words in case.says {
        unless(
            said.contains(words) || outcome.stdout.contains(words),
            format!("does not say {words:?}:\n{shown}"),
        );
    }
    if case.code == COMPONENT {
        let name = format!("regcarve: component `{path}`");
        let named = said.lines().filter(|line| line.starts_with(&name)).count();
        unless(
            named == 1,
            format!("{named} messages name the component:\n{shown}"),
        );
    }
    for words in ["panicked at", "BREACH", "internal error"] {
        let own = words == "panicked at" && said.contains(&format!("{path}: panicked at"));
        unless(
            !said.contains(words) || own,
            format!("says {words:?}:\n{shown}"),
        );
    }
    let harmless = |character: char| character == '\n' || !steers(character);
    unless(said.chars().all(harmless), "control characters".into());
    unless(
        said.len() <= MESSAGES,
        format!("{} bytes of messages", said.len()),
    );
    unless(
        outcome.peak <= MEMORY,
        format!("{} MiB of memory", outcome.peak >> 20),
    );
    let published = output.symlink_metadata().is_ok();
    unless(
        published == (case.code == COMPLETE),
        format!("published: {published}"),
    );
    let staging = staging_beside(output);
    unless(staging.is_empty(), format!("left {staging:?}"));
    found
}

/// Characters that do something to a terminal, by Unicode's own list of them and not by that of the program.
fn steers(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
