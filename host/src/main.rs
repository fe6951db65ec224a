//! The program: parse, run, print the error, exit.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;
use regcarve::cli::{Cli, Command};
use regcarve::fs::OsError;
use regcarve::{Error, commands, signals, text};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The modes of published files must not depend on the user who publishes them.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    if let Err(error) = signals::listen() {
        let error = OsError::from_io("rt_sigaction", "SIGINT, SIGTERM or SIGHUP", &error);
        return ExitCode::from(explain(&Error::system("handle signals")(error).into()));
    }
    std::panic::set_hook(Box::new(|panic| {
        explain(&Error::Internal(message(panic)).into());
    }));
    // Unwinding removes a staging directory.
    match std::panic::catch_unwind(AssertUnwindSafe(|| run(cli.command))) {
        // All output is written, and freeing all memory would take longer than the run.
        Ok(Ok(())) => std::process::exit(0),
        Ok(Err(error)) => ExitCode::from(explain(&error)),
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(run) => commands::run::run(run),
        Command::Plan(plan) => commands::plan::plan(plan),
        Command::List(list) => commands::list::list(list),
        Command::Policy(policy) => commands::policy::policy(policy),
        Command::Verify(verify) => commands::verify::verify(verify),
    }
}

/// The message of a panic, with its place in the source.
fn message(panic: &std::panic::PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("no reason given");
    match panic.location() {
        Some(place) => format!("{message} ({}:{})", place.file(), place.line()),
        None => message.to_owned(),
    }
}

/// Prints an error: all problems of a release, then one line from the aim to the cause, then hints. Returns the exit code.
fn explain(error: &anyhow::Error) -> u8 {
    let ours = error.downcast_ref::<Error>();
    if let Some(Error::Problems(problems)) = ours {
        commands::print_problems(problems);
    }
    for line in chain(error).lines() {
        text::say(&format!("regcarve: {}", text::visible(line)));
    }
    ours.map_or(1, Error::exit_code)
}

/// All causes of an error in one line, hints below it. An [`Error`] names its own causes.
fn chain(error: &anyhow::Error) -> String {
    let mut causes = Vec::new();
    for cause in error.chain() {
        causes.push(cause.to_string());
        if cause.is::<Error>() {
            break;
        }
    }
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use regcarve::Error;
    use regcarve::fs::OsError;

    use super::{chain, explain};

    #[test]
    fn an_error_is_one_line_with_its_hints_below() {
        let refused = OsError::from_io("openat", "a", &std::io::Error::from_raw_os_error(13));
        let system: anyhow::Error = Error::system("open the source")(refused).into();
        let text = chain(&system);
        assert!(text.starts_with("cannot open the source: "), "{text}");
        assert_eq!(text.matches("openat").count(), 1, "{text}");
        assert_eq!(explain(&system), 1);

        let usage: anyhow::Result<()> = Err(Error::Usage("no\n  hint: yes".into()).into());
        let usage = usage.context("cannot read the list").unwrap_err();
        assert_eq!(chain(&usage), "cannot read the list: no\n  hint: yes");
        assert_eq!(explain(&usage), 2);

        let other = anyhow::anyhow!("b").context("a");
        assert_eq!(chain(&other), "a: b");
        assert_eq!(explain(&other), 1);
    }
}
