//! Roles of components.

use std::fmt;

/// The use that a component is loaded for; the worlds of `wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Turns the text of a list into requests.
    Selector,
    /// Turns requests into images.
    Reader,
    /// Decides which images stay in the release.
    Policy,
    /// Turns images into files.
    Writer,
    /// Reader and writer in one component, as the shipped storage formats are.
    Layout,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Selector => "selector",
            Self::Reader => "reader",
            Self::Policy => "policy",
            Self::Writer => "writer",
            Self::Layout => "layout",
        })
    }
}
