//! Help texts and exit codes.

use std::path::PathBuf;

use clap::{CommandFactory as _, Parser as _};

use super::{Cli, Command};
use crate::Error;
use crate::fs::OsError;
use crate::release::problem::{Problem, Severity};
use crate::wasm::Limits;

fn help(args: &[&str]) -> String {
    let mut command = Cli::command();
    command.build();
    let mut command = &mut command;
    let (last, subcommands) = args.split_last().unwrap();
    for name in subcommands {
        command = command.find_subcommand_mut(name).unwrap();
    }
    match *last {
        "-h" => command.render_help().to_string(),
        _ => command.render_long_help().to_string(),
    }
}

/// The heading above a flag.
fn heading(help: &str, flag: &str) -> String {
    let is_flag = |line: &str| {
        let mut words = line.split([' ', ',', '=']).filter(|word| !word.is_empty());
        words
            .next()
            .is_some_and(|first| first == flag || first.len() == 2 && words.next() == Some(flag))
    };
    let above: Vec<_> = help.lines().take_while(|line| !is_flag(line)).collect();
    assert!(above.len() < help.lines().count(), "no {flag} in {help}");
    let heading = above
        .into_iter()
        .rfind(|line| line.ends_with(':') && !line.starts_with(' '));
    heading.unwrap_or_default().to_owned()
}

#[test]
fn flags_stand_under_their_headings() {
    let long = help(&["run", "--help"]);
    let headings: Vec<_> = long
        .lines()
        .filter(|line| line.ends_with(':') && !line.starts_with(' '))
        .collect();
    assert_eq!(
        headings,
        ["Arguments:", "Options:", "Components:", "Sandbox limits:"]
    );
    for (flags, expected) in [
        (
            &[
                "--list",
                "--image",
                "--all",
                "--policy",
                "--platform",
                "--no-attached",
                "--allow-missing",
                "--jobs",
                "--replace",
                "--link",
                "--verify",
                "--durability",
                "--report",
                "--report-contents",
                "--verbose",
                "--help",
            ][..],
            "Options:",
        ),
        (
            &["--selector", "--sandbox", "--require-pins", "--no-cache"],
            "Components:",
        ),
        (
            &[
                "--guest-time",
                "--guest-memory",
                "--component-size",
                "--compile-memory",
            ],
            "Sandbox limits:",
        ),
    ] {
        for flag in flags {
            assert_eq!(heading(&long, flag), expected, "{flag}");
        }
    }
}

#[test]
fn short_help_leaves_out_the_limits() {
    for command in ["run", "plan", "list", "verify"] {
        let short = help(&[command, "-h"]);
        assert!(!short.contains("--guest-"), "{short}");
        assert!(short.lines().count() < 60, "{short}");
    }
}

/// The command line says nothing: the limits are those of the library.
#[test]
fn limits_have_their_defaults() {
    let cli = Cli::parse_from(["regcarve", "list", "registry:/srv"]);
    let Command::List(list) = cli.command else {
        unreachable!("the command that was typed")
    };
    assert_eq!(list.components.limits, Limits::default());
}

#[test]
fn exit_codes_are_those_of_the_errors() {
    let problem = |severity| {
        Error::problem(Problem {
            severity,
            reference: String::new(),
            origin: None,
            path: None,
            cause: String::new(),
            hint: None,
        })
    };
    let refused = OsError::new("openat", "", rustix::io::Errno::ACCESS);
    let help = help(&["--help"]);
    let text_of = |code: u8| {
        let start = format!("  {code}  ");
        let text = help.lines().find_map(|line| line.strip_prefix(&start));
        text.unwrap_or_else(|| panic!("no exit code {code} in {help}"))
    };
    for (error, words) in [
        (Error::system("x")(refused), "the system refused"),
        (Error::Internal(String::new()), "internal error"),
        (Error::Usage(String::new()), "the command line"),
        (problem(Severity::Missing), "missing"),
        (
            problem(Severity::Malformed),
            "a line of a list is not a reference",
        ),
        (problem(Severity::Damaged), "damaged"),
        (problem(Severity::Unreadable), "the system refused"),
        (Error::Exists(PathBuf::new()), "the output exists"),
        (Error::Busy(PathBuf::new()), "or is in use"),
        (
            Error::LinkRefused {
                message: String::new(),
                hint: String::new(),
            },
            "refuses to link",
        ),
    ] {
        let text = text_of(error.exit_code());
        assert!(text.contains(words), "{error:?}: {text}");
    }
    assert_eq!(Error::Signal(15).exit_code(), 128 + 15);
}
