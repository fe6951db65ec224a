//! Failures of the host, in the words of a report.

use std::fmt::Display;

use crate::raw::Failure;

/// What a failure says, for a [`Damage`](crate::raw::Damage).
pub fn cause(failure: Failure) -> String {
    match failure {
        Failure::NotFound => "there is no such file".into(),
        Failure::Occupied => "occupied".into(),
        Failure::Refused(text) | Failure::Damaged(text) | Failure::Other(text) => text,
    }
}

/// For text that came from the host, which has checked it: no user is to see this.
pub fn invalid(error: impl Display) -> Failure {
    Failure::Other(error.to_string())
}
