//! The program: parse, run, print the error, exit.

use std::process::ExitCode;

use clap::Parser as _;
use regcarve::capability::Fault;
use regcarve::cli::{Cli, Command};
use regcarve::{Error, commands, signals, text};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // What is published must not depend on who publishes it.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    if let Err(error) = signals::listen() {
        let fault = Fault::from_io("rt_sigaction", "signals", &error);
        text::say(&format!("regcarve: cannot listen to {fault}"));
        return ExitCode::FAILURE;
    }
    let result = match cli.command {
        Command::Run(run) => commands::run::run(run),
        Command::Plan(plan) => commands::plan::plan(plan),
        Command::List(list) => commands::list::list(list),
        Command::Policy(policy) => commands::policy::policy(policy),
        Command::Verify(verify) => commands::verify::verify(verify),
    };
    match result {
        // Nothing is left to be written, and taking everything apart would cost more than the run.
        Ok(()) => std::process::exit(0),
        Err(error) => ExitCode::from(explain(&error)),
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
