//! What can be wrong with a manifest.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use regcarve_types::{DigestError, Excerpt};

use super::{MAX_MANIFEST_BYTES, ManifestType};

/// The longest message of the JSON parser that is passed on; it may repeat what it has read.
const LONGEST_PARSER_MESSAGE: usize = 160;

/// Why some bytes are not a manifest, and where in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    place: String,
    problem: Problem,
}

impl ManifestError {
    pub(super) const fn at(place: String, problem: Problem) -> Self {
        Self { place, problem }
    }

    /// Where it is wrong, such as `layers[3].digest`; empty for the manifest as a whole.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is wrong.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl From<Problem> for ManifestError {
    fn from(problem: Problem) -> Self {
        Self::at(String::new(), problem)
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        self.problem.fmt(f)
    }
}

impl core::error::Error for ManifestError {}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More bytes than a registry serves.
    #[error("manifest of {found} bytes, {MAX_MANIFEST_BYTES} is the limit")]
    TooLarge {
        /// The number of bytes.
        found: usize,
    },
    /// More bytes than are read of a file that is no manifest.
    #[error("file of {found} bytes, {limit} is the limit")]
    FileTooLarge {
        /// The number of bytes.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Not JSON, nested too deep, bytes behind the end, or a value of the wrong type.
    #[error("{0}")]
    Json(String),
    /// A key of an object occurs twice.
    #[error("key `{0}` occurs twice, and readers disagree which one counts")]
    RepeatedKey(&'static str),
    /// A key is written with other letters that only some readers take for the same.
    #[error("key `{found}` is `{known}` for some readers and unknown to others")]
    KeyCase {
        /// The key as it is written.
        found: Excerpt,
        /// The key that it is taken for.
        known: &'static str,
    },
    /// Something that must be there is not.
    #[error("`{0}` is missing")]
    MissingKey(&'static str),
    /// A digest is malformed.
    #[error(transparent)]
    Digest(DigestError),
    /// A version that nobody can read.
    #[error("schemaVersion {0}: there are only 1 and 2")]
    SchemaVersion(u64),
    /// A media type for which even the registry has no reader.
    #[error("unrecognized manifest media type `{0}`")]
    MediaType(Excerpt),
    /// The media type belongs to the other version.
    #[error("media type `{media_type}` does not go with schemaVersion {version}")]
    VersionOfType {
        /// The media type.
        media_type: ManifestType,
        /// The version that is stated.
        version: u64,
    },
    /// The manifest has parts of two kinds of manifests.
    #[error("both `{0}` and `{1}`: readers disagree what this is")]
    Ambiguous(&'static str, &'static str),
    /// The manifest has parts of another kind than it says.
    #[error("`{stated}` is stated, but there is `{key}`")]
    Disagrees {
        /// The media type or version.
        stated: &'static str,
        /// The key that does not belong there.
        key: &'static str,
    },
    /// The two lists of the first schema belong together.
    #[error("{layers} entries in `fsLayers`, but {history} in `history`")]
    History {
        /// The number of layers.
        layers: usize,
        /// The number of entries of the history.
        history: usize,
    },
    /// An index has more children than anybody needs.
    #[error("more than {limit} entries")]
    TooMany {
        /// How many are allowed.
        limit: usize,
    },
    /// An index was needed, and this is none.
    #[error("not an index, but `{0}`")]
    NotAnIndex(ManifestType),
}

impl From<DigestError> for Problem {
    fn from(error: DigestError) -> Self {
        Self::Digest(error)
    }
}

impl Problem {
    /// Passes on what the JSON parser says, but no long text that it quotes.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        let message = error.to_string();
        if message.len() <= LONGEST_PARSER_MESSAGE {
            return Self::Json(message);
        }
        let (line, column) = (error.line(), error.column());
        Self::Json(format!(
            "value of the wrong type at line {line} column {column}"
        ))
    }
}
