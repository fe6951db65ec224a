//! The program: parse, run, print the error, exit.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;
use regcarve::cli::{Cli, Command};
use regcarve::fs::OsError;
use regcarve::{Error, commands, signals, text};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // What is published must not depend on who publishes it.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    if let Err(error) = signals::listen() {
        let error = OsError::from_io("rt_sigaction", "SIGINT, SIGTERM or SIGHUP", &error);
        text::say(&format!("regcarve: cannot listen to signals: {error}"));
        return ExitCode::FAILURE;
    }
    std::panic::set_hook(Box::new(|panic| {
        explain(&Error::Internal(message(panic)));
    }));
    // Unwinding removes what is half done.
    match std::panic::catch_unwind(AssertUnwindSafe(|| run(cli.command))) {
        // Nothing is left to be written, and taking everything apart would cost more than the run.
        Ok(Ok(())) => std::process::exit(0),
        Ok(Err(error)) => ExitCode::from(explain(&error)),
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Run(run) => commands::run::run(run),
        Command::Plan(plan) => commands::plan::plan(plan),
        Command::List(list) => commands::list::list(list),
        Command::Policy(policy) => commands::policy::policy(policy),
        Command::Verify(verify) => commands::verify::verify(verify),
    }
}

/// A panic in the words of an error: a defect, ours or the system's, but no reason to frighten anybody.
fn message(panic: &std::panic::PanicHookInfo<'_>) -> String {
    let what = panic.payload_as_str().unwrap_or("no reason given");
    match panic.location() {
        Some(place) => format!("{what} ({}:{})", place.file(), place.line()),
        None => what.to_owned(),
    }
}

/// Prints an error with all that belongs to it; returns the exit code.
fn explain(error: &Error) -> u8 {
    if let Error::Problems(problems) = error {
        commands::print_problems(problems);
    }
    for line in error.to_string().lines() {
        text::say(&format!("regcarve: {}", text::visible(line)));
    }
    error.exit_code()
}
