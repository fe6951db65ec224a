//! How a run ends when it does not end well.

use std::path::PathBuf;

use crate::fs::{LandlockError, OsError, Unavailable, WriteError};
use crate::release::plan::PlanError;
use crate::release::problem::{Problem, Severity};
use crate::signals::Interrupted;
use crate::wasm::ComponentFailure;

/// Why a run ended. Each has an exit code, listed in the README.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line, a list or a setting cannot be.
    #[error("{0}")]
    Usage(String),
    /// Something of the release is missing or damaged. All of it, in the order of the lists.
    #[error("{}", headline(.0))]
    Problems(Vec<Problem>),
    /// A storage that was verified is not whole. What is wrong has been printed as the result.
    #[error("{summary}")]
    NotWhole {
        /// One line.
        summary: String,
        /// Of the worst problem.
        exit_code: u8,
    },
    /// A component failed or was refused.
    #[error(transparent)]
    Component(ComponentFailure),
    /// The output is there already.
    #[error("{} exists already; nothing was changed\n  hint: name another output, or give --replace to exchange it in one step", .0.display())]
    Exists(PathBuf),
    /// Another run is at work on the output, or was while this one worked.
    #[error("another run is at work on {} or has just published it; nothing was changed\n  hint: run again when it has ended", .0.display())]
    Busy(PathBuf),
    /// A file or folder that a command would make is there already.
    #[error("{} exists already; nothing was changed\n  hint: {hint}", path.display())]
    Occupied {
        /// What is there.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
    },
    /// The system refuses to link from the source into the output.
    #[error("{message}\n  hint: {hint}")]
    LinkRefused {
        /// What was tried and what the system said.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The system would not do something else.
    #[error("cannot {what}: {fault}")]
    System {
        /// What was to be done.
        what: String,
        /// The call.
        #[source]
        fault: OsError,
    },
    /// The user demands a wall that there cannot be.
    #[error("{0}\n  hint: with --sandbox auto regcarve runs without it; the report says so")]
    Unavailable(Unavailable),
    /// A signal asked the run to stop.
    #[error("stopped by signal {0}; nothing was published")]
    Signal(i32),
    /// It should not happen.
    #[error("internal error: {0}\n  hint: this is a defect of regcarve; please report it")]
    Internal(String),
}

impl Error {
    /// For one problem.
    pub fn problem(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }

    /// Names what was to be done when a call failed.
    pub fn system(what: impl Into<String>) -> impl FnOnce(OsError) -> Self {
        let what = what.into();
        move |fault| Self::System { what, fault }
    }

    /// What the process exits with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Problems(problems) => match problems.iter().map(|problem| problem.severity).max()
            {
                None | Some(Severity::Missing | Severity::Malformed) => 3,
                Some(Severity::Damaged) => 4,
                Some(Severity::Unreadable) => 1,
            },
            Self::NotWhole { exit_code, .. } => *exit_code,
            Self::Component(failure) if failure.is_about_settings() => 2,
            Self::Component(_) => 5,
            Self::Exists(_) | Self::Busy(_) | Self::Occupied { .. } => 6,
            Self::LinkRefused { .. } => 7,
            Self::System { .. } | Self::Unavailable(_) | Self::Internal(_) => 1,
            Self::Signal(number) => u8::try_from(128 + number).unwrap_or(1),
        }
    }
}

/// Names what was to be done when a system call failed: `cannot {what}: {call} {path}: {cause}`.
pub trait SystemContext<T> {
    /// Turns the failure into [`Error::System`]. `what` is a verb and its object: `open the source`.
    fn context(self, what: impl std::fmt::Display) -> Result<T, Error>;
}

impl<T> SystemContext<T> for Result<T, OsError> {
    fn context(self, what: impl std::fmt::Display) -> Result<T, Error> {
        self.map_err(|error| Error::system(what.to_string())(error))
    }
}

impl From<Interrupted> for Error {
    fn from(interrupted: Interrupted) -> Self {
        Self::Signal(interrupted.0)
    }
}

impl From<LandlockError> for Error {
    fn from(error: LandlockError) -> Self {
        match error {
            LandlockError::Missing(missing) => Self::Unavailable(missing),
            LandlockError::OsError(fault) => Self::system("fence the run in")(fault),
            LandlockError::Threads => Self::Internal(error.to_string()),
        }
    }
}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::SameName { .. } => Self::Usage(error.to_string()),
            PlanError::DifferentSizes(problem) => Self::problem(*problem),
        }
    }
}

fn headline(problems: &[Problem]) -> String {
    let of = |severity| {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    let parts: Vec<_> = [
        (of(Severity::Missing), "missing"),
        (of(Severity::Malformed), "malformed"),
        (of(Severity::Damaged), "damaged"),
        (of(Severity::Unreadable), "unreadable"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    format!(
        "the release is not whole: {}; nothing was published",
        parts.join(", ")
    )
}

/// A step on the output that failed in a way that no component can handle. Travels through the guest as a trap.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {error}")]
pub struct OutputError {
    /// The step.
    pub what: String,
    /// The reason.
    pub error: WriteError,
}

impl From<ComponentFailure> for Error {
    fn from(failure: ComponentFailure) -> Self {
        match failure.interrupted() {
            Some(number) => Self::Signal(number),
            None => Self::Component(failure),
        }
    }
}

impl From<OutputError> for Error {
    fn from(step: OutputError) -> Self {
        let OutputError { what, error } = step;
        match error {
            WriteError::LinkRefused(refusal) => Self::LinkRefused {
                message: format!("cannot link {what}: {}", refusal.cause),
                hint: refusal.hint,
            },
            WriteError::Stopped(signal) => Self::Signal(signal),
            WriteError::OsError(fault) => Self::System {
                what: format!("write {what}"),
                fault,
            },
            WriteError::Occupied(occupied) => Self::Internal(format!("{what}: {occupied}")),
            WriteError::Source(cause) => Self::problem(Problem {
                severity: Severity::Damaged,
                reference: what,
                origin: None,
                path: None,
                cause: format!("the source lost it while the run was going on: {cause}"),
                hint: Some("was garbage collection running? run again when it is done".into()),
            }),
        }
    }
}
