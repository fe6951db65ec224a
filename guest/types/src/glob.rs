//! Globs over the names of repositories and tags.
//!
//! ```text
//!   *        any number of characters, but no `/`        library/nginx*
//!   ?        one character, but no `/`                   1.2?
//!   [a-z]    one of these; [!a-z] or [^a-z] any other    v[0-9]*
//!   {a,b}    one of these globs, also nested             1.27{,-alpine}
//!   **       whole components, also none                 **/app   team/**   a/**/b
//! ```
//!
//! There is no character to escape with, because none of the above occurs in a name.
//!
//! Lists come from strangers, and braces cost the crate `fast-glob` exponential time; hence an
//! engine of our own. Alternatives are written out when a glob is parsed, so that matching deals
//! with a plain row of tokens and needs no more than two points to return to: time grows with the
//! product of the two lengths, however cleverly a list is written.
use std::fmt;
use std::str::FromStr;

mod error;
mod parser;
#[cfg(test)]
mod tests;
mod token;

pub use error::GlobError;
use token::Token;

/// A checked glob.
#[derive(Clone, Debug)]
pub struct Glob {
    text: String,
    /// The glob with its braces written out; a name matches if it matches one of them.
    alternatives: Vec<Vec<Token>>,
}

impl Glob {
    /// The longest glob. Names are shorter, and matching takes time in proportion.
    pub const MAX_LENGTH: usize = 512;

    /// The largest number of globs that braces may stand for; it bounds the memory of one glob to a
    /// few megabytes.
    pub const MAX_ALTERNATIVES: usize = 256;

    /// The largest depth of braces in braces.
    pub const MAX_NESTING: usize = 8;

    /// Reads a glob; the whole text must be one.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        Ok(Self {
            alternatives: parser::parse(text)?,
            text: text.into(),
        })
    }

    /// Returns true if the glob describes all of `name`. Names are ASCII; in other text `?` stands
    /// for one byte.
    pub fn matches(&self, name: &str) -> bool {
        self.alternatives
            .iter()
            .any(|tokens| token::matches(tokens, name.as_bytes()))
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Returns true if `letter` means something to a glob instead of standing for itself. All of them
/// are listed, also those that are only refused, so that a mistake is reported as one in a glob.
pub(crate) const fn is_syntax(letter: char) -> bool {
    matches!(
        letter,
        '*' | '?' | '[' | ']' | '{' | '}' | ',' | '!' | '^' | '\\'
    )
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Glob {}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, GlobError> {
        Self::parse(text)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
