//! Errors in manifests.

use regcarve_types::Excerpt;
use serde_path_to_error::{Path, Segment};

use super::{MAX_MANIFEST_BYTES, ManifestType};

/// The longest message of the JSON parser that is passed on; it may repeat what it has read.
const LONGEST_PARSER_MESSAGE: usize = 160;

/// The reason why some bytes are not a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
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
        /// The largest number of bytes that is allowed.
        limit: usize,
    },
    /// Not JSON, or a value that does not belong there.
    #[error("{}{message}", if place.is_empty() { String::new() } else { format!("{place}: ") })]
    Json {
        /// The place of the error, such as `layers[3].digest`; empty for the whole manifest.
        place: String,
        /// The message of the JSON parser.
        message: String,
    },
    /// A key that must be there is missing.
    #[error("missing field `{0}`")]
    MissingKey(&'static str),
    /// A version that does not exist.
    #[error("schemaVersion {0}: there are only 1 and 2")]
    SchemaVersion(u64),
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
    /// The two lists of the first schema differ in length.
    #[error("{layers} entries in `fsLayers`, but {history} in `history`")]
    History {
        /// The number of layers.
        layers: usize,
        /// The number of entries of the history.
        history: usize,
    },
    /// Another kind of manifest where an index is needed.
    #[error("not an index, but `{0}`")]
    NotAnIndex(ManifestType),
}

impl ManifestError {
    /// An error of the JSON parser in the manifest as a whole.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        Self::Json {
            place: String::new(),
            message: message(error),
        }
    }

    /// An error of the JSON parser at a place.
    pub(super) fn json_at(path: &Path, error: &serde_json::Error) -> Self {
        let place = path.iter().fold(String::new(), |above, step| match step {
            Segment::Seq { index } => format!("{above}[{index}]"),
            Segment::Map { key } if above.is_empty() => key.clone(),
            Segment::Map { key } => format!("{above}.{key}"),
            Segment::Enum { .. } | Segment::Unknown => above,
        });
        // Its keys may be those of a stranger.
        let place = Excerpt::of(&place).to_string();
        let mut message = message(error);
        let position = format!(" at line {} column {}", error.line(), error.column());
        if let (true, Some(short)) = (error.is_data(), message.strip_suffix(&position)) {
            message = short.into();
        }
        Self::Json { place, message }
    }
}

/// The message of the JSON parser, without any long text that it quotes.
fn message(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if message.len() <= LONGEST_PARSER_MESSAGE {
        return message;
    }
    let (line, column) = (error.line(), error.column());
    format!("value of the wrong type at line {line} column {column}")
}
