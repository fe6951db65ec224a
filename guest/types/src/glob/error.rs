//! Errors in globs.

use super::Glob;

/// The reason why a text is not a glob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// The text is empty.
    #[error("the glob is empty")]
    Empty,
    /// The glob is longer than any name.
    #[error("glob has {found} characters, {} is the limit", Glob::MAX_LENGTH)]
    TooLong {
        /// The number of characters.
        found: usize,
    },
    /// A character that occurs neither in names nor in globs.
    #[error("`{}` at position {position} occurs neither in names nor in globs", .letter.escape_debug())]
    Letter {
        /// The character.
        letter: char,
        /// Its position, counted from one.
        position: usize,
    },
    /// A character that means something inside of brackets or braces only.
    #[error(
        "`{letter}` at position {position} stands outside of the brackets or braces it belongs in"
    )]
    Misplaced {
        /// The character.
        letter: char,
        /// Its position, counted from one.
        position: usize,
    },
    /// A bracket or brace is never closed.
    #[error("`{letter}` at position {position} is never closed")]
    Unclosed {
        /// The bracket or brace.
        letter: char,
        /// Its position, counted from one.
        position: usize,
    },
    /// Brackets without a character between them.
    #[error("the brackets at position {position} are empty")]
    EmptyClass {
        /// The position of the opening bracket, counted from one.
        position: usize,
    },
    /// A range that runs from a later character to an earlier one.
    #[error("the range `{first}-{last}` at position {position} runs backwards")]
    Backwards {
        /// The character before the dash.
        first: char,
        /// The character behind it.
        last: char,
        /// The position of the first, counted from one.
        position: usize,
    },
    /// `**` next to something that is not a slash.
    #[error("`**` at position {position} must stand alone between slashes, as in `team/**`")]
    Stars {
        /// The position of the first star, counted from one.
        position: usize,
    },
    /// Braces in braces in braces.
    #[error(
        "braces at position {position} are nested deeper than {} levels",
        Glob::MAX_NESTING
    )]
    TooDeep {
        /// The position of the opening brace, counted from one.
        position: usize,
    },
    /// The braces stand for too many globs.
    #[error(
        "braces stand for more than {} globs: write several lines",
        Glob::MAX_ALTERNATIVES
    )]
    TooMany,
}
