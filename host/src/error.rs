//! Errors that end a run, and their exit codes.

use std::path::PathBuf;

use crate::fs::{LandlockError, OsError, Unavailable, WriteError};
use crate::release::plan::PlanError;
use crate::release::problem::{Problem, Severity};
use crate::signals::Interrupted;

mod component;
mod limit;

pub use component::{ComponentFailure, FailureKind};
pub use limit::LimitExceeded;

/// An error that ends a run. Each has an exit code, listed in the README.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line, a list or a setting is invalid.
    #[error("{0}")]
    Usage(String),
    /// Images of the release are missing or damaged: all problems, in the order of the lists.
    #[error("{}", headline(.0))]
    Problems(Vec<Problem>),
    /// A check found problems and has printed them as its result.
    #[error("{summary}")]
    NotWhole {
        /// The result in one line.
        summary: String,
        /// The exit code of the worst problem.
        exit_code: u8,
    },
    /// A component failed or was refused.
    #[error(transparent)]
    Component(ComponentFailure),
    /// The output exists already.
    #[error("{} exists already; nothing was changed\n  hint: name another output, or give --replace to exchange it in one step", .0.display())]
    Exists(PathBuf),
    /// Another run works on the output, or did so while this one worked.
    #[error("another run is at work on {} or has just published it; nothing was changed\n  hint: run again when it has ended", .0.display())]
    Busy(PathBuf),
    /// A file or folder that a command would make exists already.
    #[error("{} exists already; nothing was changed\n  hint: {hint}", path.display())]
    Occupied {
        /// The path that is taken.
        path: PathBuf,
        /// A hint for the user.
        hint: &'static str,
    },
    /// The system refuses to link from the source into the output.
    #[error("{message}\n  hint: {hint}")]
    LinkRefused {
        /// The attempt and the answer of the system.
        message: String,
        /// A hint for the user.
        hint: String,
    },
    /// Another system call failed.
    #[error("cannot {what}: {source}")]
    System {
        /// The attempt: a verb and its object.
        what: String,
        /// The call that failed.
        source: OsError,
    },
    /// The user demands Landlock, and the kernel does not have it.
    #[error("{0}\n  hint: with --sandbox auto regcarve runs without it; the report says so")]
    Unavailable(Unavailable),
    /// A signal asked the run to stop.
    #[error("stopped by signal {0}; nothing was published")]
    Signal(i32),
    /// A defect of this program.
    #[error("internal error: {0}\n  hint: this is a defect of regcarve; please report it")]
    Internal(String),
}

impl Error {
    /// The error for one problem.
    pub fn problem(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }

    /// Names what was to be done when a call failed.
    pub fn system(what: impl Into<String>) -> impl FnOnce(OsError) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }

    /// The exit code of the process.
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
            LandlockError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            LandlockError::OsError(error) => Self::system("set up the Landlock sandbox")(error),
            LandlockError::OtherThreads => Self::Internal(error.to_string()),
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
        "release incomplete: {}; nothing was published",
        parts.join(", ")
    )
}

/// A step on the output that failed in a way that no component can handle. It travels through the guest as a trap.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {error}")]
pub struct OutputError {
    /// The object of the step.
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
            WriteError::Interrupted(interrupted) => interrupted.into(),
            WriteError::OsError(source) => Self::System {
                what: format!("write {what}"),
                source,
            },
            WriteError::Occupied(occupied) => Self::Internal(format!("{what}: {occupied}")),
            WriteError::Source(cause) => Self::problem(Problem {
                severity: Severity::Damaged,
                reference: what,
                origin: None,
                path: None,
                cause: format!("it disappeared from the source during the run: {cause}"),
                hint: Some("was garbage collection running? run again when it is done".into()),
            }),
        }
    }
}
