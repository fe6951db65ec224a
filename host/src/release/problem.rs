//! What is wrong with a release, and how the run ends because of it.

use std::fmt;

use super::request::Origin;
use crate::text;

/// The worst thing decides how a run ends; the order is from harmless to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something that was asked for does not exist.
    Missing,
    /// Nobody can tell what is asked for.
    Malformed,
    /// Something exists but is not whole.
    Damaged,
    /// The system did not let us look.
    Unreadable,
}

/// One thing that is wrong, with all that is needed to put it right.
#[derive(Debug, Clone)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The image, or the text of the list.
    pub reference: String,
    /// Who asked for it.
    pub origin: Option<Origin>,
    /// The file in the source.
    pub path: Option<String>,
    /// What is wrong.
    pub cause: String,
    /// What may help.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.severity {
            Severity::Missing => "missing",
            Severity::Malformed => {
                // EntryKind is no reference to name.
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
