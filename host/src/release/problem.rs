//! Problems: one thing each that is wrong with a release, with all that is needed to put it right.

use std::fmt;

use super::request::Origin;
use crate::text;

/// The severity of a problem. The worst one decides the exit code; the order is from harmless to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A requested image that does not exist.
    Missing,
    /// A line or flag that is not a reference.
    Malformed,
    /// A file that exists but is not what it should be.
    Damaged,
    /// A file that the system refuses to read.
    Unreadable,
}

/// A problem of a release.
///
/// ```text
/// Problem::damaged(reference, cause).from(origin).at(path).hint(text)
/// ```
#[derive(Debug, Clone)]
pub struct Problem {
    /// Its severity.
    pub severity: Severity,
    /// The image, or the text of the list.
    pub reference: String,
    /// The list line or flag that asked for the image.
    pub origin: Option<Origin>,
    /// The file in the source.
    pub path: Option<String>,
    /// The cause.
    pub cause: String,
    /// A way out, for people.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without origin, path and hint.
    pub fn new(severity: Severity, reference: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            severity,
            reference: reference.into(),
            origin: None,
            path: None,
            cause: cause.into(),
            hint: None,
        }
    }

    /// A requested image that does not exist.
    pub fn missing(reference: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Severity::Missing, reference, cause)
    }

    /// A line or flag that is not a reference.
    pub fn malformed(origin: Origin, cause: impl Into<String>) -> Self {
        Self::new(Severity::Malformed, "not a reference", cause).from(origin)
    }

    /// A file or image that is not what it should be.
    pub fn damaged(reference: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Severity::Damaged, reference, cause)
    }

    /// With the line or flag that asked.
    pub fn from(self, origin: Origin) -> Self {
        Self {
            origin: Some(origin),
            ..self
        }
    }

    /// With the file in the source.
    pub fn at(self, path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }

    /// With a hint.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.hint_if(Some(hint.into()))
    }

    /// With a hint, if there is one.
    pub fn hint_if(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

/// True if a release with these problems may go on: there are none, or all are missing images and these are allowed.
pub fn acceptable(problems: &[Problem], allow_missing: bool) -> bool {
    problems
        .iter()
        .all(|problem| allow_missing && problem.severity == Severity::Missing)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.severity {
            Severity::Missing => "missing",
            Severity::Malformed => {
                // It has no reference to name.
                let origin = self
                    .origin
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let cause = text::visible(&self.cause);
                return write!(f, "{}: not a reference: {cause}", text::visible(&origin));
            }
            Severity::Damaged => "damaged",
            Severity::Unreadable => "unreadable",
        };
        write!(f, "{what}: {}", text::visible(&self.reference))?;
        if let Some(origin) = &self.origin {
            write!(f, " ({})", text::visible(&origin.to_string()))?;
        }
        write!(f, ": ")?;
        if let Some(path) = &self.path {
            write!(f, "{}: ", text::visible(path))?;
        }
        write!(f, "{}", text::visible(&self.cause))?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", text::visible(hint))?;
        }
        Ok(())
    }
}
