//! Errors in digests.

use super::{Algorithm, Digest};
use crate::excerpt::Excerpt;

/// The reason why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The text is empty; an interrupted write leaves link files like that.
    #[error("empty, where a digest should be")]
    Empty,
    /// Everything is right except a line end behind it.
    #[error("a digest with a line end behind it; it must be the last thing in the text")]
    TrailingNewline,
    /// Everything is right except white space around it.
    #[error("a digest with white space around it")]
    WhiteSpace,
    /// There is no `:`.
    #[error("`{0}` is not a digest: it has no algorithm such as `sha256:` in front")]
    NoColon(Excerpt),
    /// The algorithm has a name that we do not know.
    #[error("unknown digest algorithm `{0}`: known are sha256, sha384 and sha512")]
    UnknownAlgorithm(Excerpt),
    /// The digits are too few or too many.
    #[error("{algorithm} digest with {found} digits instead of {}", .algorithm.hex_length())]
    Length {
        /// The algorithm that sets the length.
        algorithm: Algorithm,
        /// The number of characters behind the colon.
        found: usize,
    },
    /// A digit is written as `A` to `F`.
    #[error("upper case letter `{letter}` at position {position} of a digest")]
    UpperCase {
        /// The letter.
        letter: char,
        /// Its position, counted from one.
        position: usize,
    },
    /// A character is not a hexadecimal digit.
    #[error("`{}` at position {position} of a digest is not a hexadecimal digit", .letter.escape_debug())]
    NotHex {
        /// The character.
        letter: char,
        /// Its position, counted from one.
        position: usize,
    },
}

impl DigestError {
    pub(super) fn without_colon(text: &str) -> Self {
        if text.is_empty() {
            Self::Empty
        } else {
            Self::NoColon(Excerpt::of(text))
        }
    }

    /// The error in the part behind the colon, which starts after `before` characters.
    pub(super) fn in_digits(algorithm: Algorithm, hex: &str, before: usize) -> Self {
        let mut letters = hex.chars().take(algorithm.hex_length()).enumerate();
        let wrong = letters.find(|(_, letter)| !matches!(letter, '0'..='9' | 'a'..='f'));
        match wrong.map(|(index, letter)| (letter, before + index + 1)) {
            Some((letter @ 'A'..='F', position)) => Self::UpperCase { letter, position },
            Some((letter, position)) => Self::NotHex { letter, position },
            None => Self::Length {
                algorithm,
                found: hex.chars().count(),
            },
        }
    }

    /// Names white space if it is all that is wrong with `text`.
    ///
    /// Worth its own words: link files written by hand or with `echo` end up here.
    pub(super) fn or_white_space_of(self, text: &str) -> Self {
        let trimmed = text.trim();
        if trimmed.len() == text.len() || Digest::parse_exactly(trimmed).is_err() {
            self
        } else if text.trim_end_matches(['\r', '\n']) == trimmed {
            Self::TrailingNewline
        } else {
            Self::WhiteSpace
        }
    }
}
