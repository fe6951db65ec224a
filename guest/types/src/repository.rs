//! The names below which a registry files images: repositories and tags.
//!
//! Both become folder names, so their grammar is what keeps a list from reaching outside of the
//! storage. It is the one of `distribution/reference`, without a registry host in front:
//!
//! ```text
//!   repository  component ("/" component)*            at most 255 characters
//!   component   [a-z0-9]+ (separator [a-z0-9]+)*
//!   separator   "." | "_" | "__" | "-"+
//!   tag         [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
//! ```
use std::fmt;
use std::str::FromStr;

mod error;
mod tag;
#[cfg(test)]
mod tests;

pub(crate) use error::refuse_location;
pub use error::{RepositoryError, TagError};
pub use tag::Tag;

/// The name of a repository, such as `library/nginx`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(String);

impl Repository {
    /// The longest name, set by the registry.
    pub const MAX_LENGTH: usize = 255;

    /// Reads a name; the whole text must be one.
    pub fn parse(text: &str) -> Result<Self, RepositoryError> {
        if text.is_empty() {
            return Err(RepositoryError::Empty);
        }
        error::refuse_location(text)?;
        // Characters, because that is what the message counts; only ASCII ones get any further.
        let found = text.chars().count();
        if found > Self::MAX_LENGTH {
            return Err(RepositoryError::TooLong { found });
        }
        let mut before = 0;
        for component in text.split('/') {
            check_component(component, before)?;
            before += component.len() + 1;
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks the part of a name that starts after `before` characters.
fn check_component(component: &str, before: usize) -> Result<(), RepositoryError> {
    // Everything up to a wrong character is ASCII, so bytes count characters there.
    if let Some((index, letter)) = component.char_indices().find(|&(_, c)| !is_name_letter(c)) {
        return Err(RepositoryError::wrong_letter(letter, before + index + 1));
    }
    let bytes = component.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(RepositoryError::EmptyComponent {
            position: before + 1,
        });
    };
    let mut separators = component.split(|c: char| c.is_ascii_alphanumeric());
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() && separators.all(is_separator)
    {
        Ok(())
    } else {
        Err(RepositoryError::Component(component.into()))
    }
}

const fn is_name_letter(letter: char) -> bool {
    matches!(letter, 'a'..='z' | '0'..='9' | '.' | '_' | '-')
}

/// Nothing separates two letters, which is also fine.
fn is_separator(text: &str) -> bool {
    matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
}

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, RepositoryError> {
        Self::parse(text)
    }
}

impl AsRef<str> for Repository {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
