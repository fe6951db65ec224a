//! Errors in the names of repositories and tags.

use super::{Repository, Tag};
use crate::excerpt::Excerpt;

/// The reason why a text is not the name of a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// The text is empty.
    #[error("the name of the repository is empty")]
    Empty,
    /// The name is longer than a registry stores.
    #[error("name has {found} characters, {} is the limit", Repository::MAX_LENGTH)]
    TooLong {
        /// The number of characters.
        found: usize,
    },
    /// The name is an absolute path.
    #[error("name starts with `/`")]
    LeadingSlash,
    /// There is nothing before, between or behind slashes.
    #[error("nothing between two slashes, or behind the last one, at position {position}")]
    EmptyComponent {
        /// The position at which a component should start, counted from one.
        position: usize,
    },
    /// Registries have lower case names only.
    #[error("upper case letter `{letter}` at position {position}: names are lower case")]
    UpperCase {
        /// The letter.
        letter: char,
        /// Its position, counted from one.
        position: usize,
    },
    /// A character that no name contains.
    #[error("`{}` at position {position} does not occur in names", .letter.escape_debug())]
    Letter {
        /// The character.
        letter: char,
        /// Its position, counted from one.
        position: usize,
    },
    /// The characters are right, their order is not.
    #[error("component `{0}`: letters or digits, with `.`, `_`, `__` or `-` only between them")]
    Component(String),
    /// The name begins with the address of a registry.
    #[error("`{0}` looks like a registry host; storage names have none: leave it out")]
    Host(Excerpt),
    /// The name begins like an address for a browser.
    #[error(
        "`{0}://` is for addresses; storage names have neither that nor a host: leave both out"
    )]
    Scheme(Excerpt),
}

impl RepositoryError {
    pub(crate) const fn wrong_letter(letter: char, position: usize) -> Self {
        if letter.is_ascii_uppercase() {
            Self::UpperCase { letter, position }
        } else {
            Self::Letter { letter, position }
        }
    }
}

/// Refuses a text that begins with the address of a registry, or with that of a file.
///
/// It looks only at what stands before the name, so it also serves for references and patterns.
/// A host without a port cannot be told from a name, because `docker.io/library/nginx` is a
/// perfectly good name in a storage.
pub(crate) fn refuse_location(text: &str) -> Result<(), RepositoryError> {
    if text.starts_with('/') {
        return Err(RepositoryError::LeadingSlash);
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(RepositoryError::Scheme(Excerpt::of(scheme)));
    }
    let Some((host, _)) = text.split_once('/') else {
        return Ok(());
    };
    match host.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(RepositoryError::Host(Excerpt::of(host)))
        }
        _ => Ok(()),
    }
}

/// The reason why a text is not a tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// The text is empty.
    #[error("the tag is empty")]
    Empty,
    /// The tag is longer than a registry stores.
    #[error("tag has {found} characters, {} is the limit", Tag::MAX_LENGTH)]
    TooLong {
        /// The number of characters.
        found: usize,
    },
    /// `.` and `-` stand inside a tag only.
    #[error("tag starts with `{0}`")]
    Start(char),
    /// A character that no tag contains.
    #[error("`{}` at position {position} does not occur in tags", .letter.escape_debug())]
    Letter {
        /// The character.
        letter: char,
        /// Its position, counted from one.
        position: usize,
    },
}

impl TagError {
    pub(super) const fn wrong_letter(letter: char, position: usize) -> Self {
        match letter {
            '.' | '-' => Self::Start(letter),
            _ => Self::Letter { letter, position },
        }
    }
}
