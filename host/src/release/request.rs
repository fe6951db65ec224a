//! What a release asks for.

use std::fmt;
use std::sync::Arc;

use regcarve_types::Pattern;

/// Where a request was written, for every message about it.
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
    /// An artifact that came along with an image.
    ReferrerOf(Arc<str>),
}

impl Origin {
    /// How a run can do without what comes from here.
    pub fn way_without(&self) -> Option<String> {
        matches!(self, Self::ReferrerOf(_))
            .then(|| "--no-attached leaves out what speaks of the images".into())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { list, line } => write!(f, "{list}:{line}"),
            Self::Flag(flag) => f.write_str(flag),
            Self::ReferrerOf(image) => write!(f, "attached to {image}"),
        }
    }
}

/// A reference, or a pattern of references, with its origin.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked for.
    pub pattern: Pattern,
    /// By whom.
    pub origin: Origin,
}
