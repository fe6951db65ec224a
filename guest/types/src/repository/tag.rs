//! The name of one version of an image.
use std::fmt;
use std::str::FromStr;

use super::TagError;

/// A tag, such as `1.27-alpine`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The longest tag, set by the registry.
    pub const MAX_LENGTH: usize = 128;

    /// Reads a tag; the whole text must be one.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        if text.is_empty() {
            return Err(TagError::Empty);
        }
        for (index, letter) in text.char_indices() {
            let fits = match letter {
                'A'..='Z' | 'a'..='z' | '0'..='9' | '_' => true,
                '.' | '-' => index > 0,
                _ => false,
            };
            if !fits {
                return Err(TagError::wrong_letter(letter, index + 1));
            }
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(TagError::TooLong { found: text.len() });
        }
        Ok(Self(text.into()))
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        Self::parse(text)
    }
}

impl AsRef<str> for Tag {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
