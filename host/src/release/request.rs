//! Requests: what a release asks for, and where it was written.

use std::fmt;
use std::sync::Arc;

use regcarve_types::Pattern;

/// The place where a request was written, for every message about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A line of a list, counted from 1.
    Line {
        /// The path of the list as the user wrote it; `-` for standard input.
        list: Arc<str>,
        /// The line.
        line: u32,
    },
    /// A flag of the command line: `--image`, `--all`.
    Flag(&'static str),
    /// A referrer that came along with an image.
    ReferrerOf(Arc<str>),
}

impl Origin {
    /// A hint for a problem with an image from here: how to carve the release without it.
    pub fn hint(&self) -> Option<String> {
        matches!(self, Self::ReferrerOf(_)).then(|| "--no-attached skips referrers".into())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { list, line } => write!(f, "{list}:{line}"),
            Self::Flag(flag) => f.write_str(flag),
            Self::ReferrerOf(image) => write!(f, "referrer of {image}"),
        }
    }
}

/// A reference, or a pattern of references, with its origin.
#[derive(Debug, Clone)]
pub struct Request {
    /// The reference or pattern.
    pub pattern: Pattern,
    /// The list line or flag.
    pub origin: Origin,
}

/// A list that was read, still as text.
#[derive(Debug, Clone)]
pub struct ListText {
    /// The path as the user wrote it; `-` for standard input.
    pub name: String,
    /// The text, without byte order mark.
    pub text: String,
}
