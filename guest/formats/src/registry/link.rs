//! What a `link` file says.

use regcarve_types::{Digest, DigestError};

/// The longest content of a link file: a `sha512` digest. Whoever reads one need not read on.
pub const MAX_LINK_BYTES: usize = 135;

/// Why the content of a link file is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The file is empty.
    #[error("the link is empty, as an interrupted write leaves it")]
    Empty,
    /// A digest, but the registry does not read past the line end.
    #[error("the link ends with a line end, which no registry accepts")]
    TrailingNewline,
    /// The file holds more than the longest digest.
    #[error("the link has more than {MAX_LINK_BYTES} bytes")]
    TooLong,
    /// The file does not hold text.
    #[error("the link is not text")]
    NotText,
    /// The file holds something else.
    #[error("the link is malformed: {0}")]
    Malformed(#[source] DigestError),
}

/// Reads the content of a link file, as strictly as a registry does.
pub fn parse_link(content: &[u8]) -> Result<Digest, LinkError> {
    let text = core::str::from_utf8(content).map_err(|_| LinkError::NotText)?;
    Digest::parse(text).map_err(|error| match error {
        DigestError::Empty => LinkError::Empty,
        DigestError::TrailingNewline => LinkError::TrailingNewline,
        _ if content.len() > MAX_LINK_BYTES => LinkError::TooLong,
        other => LinkError::Malformed(other),
    })
}
