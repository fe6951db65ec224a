//! Digests and descriptors, computed here and not by the code under test.

use std::fmt;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use crate::media;

/// A digest such as `sha256:2c26…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// The sha256 of some bytes, the digest under which a registry stores everything.
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!(
            "sha256:{}",
            HEXLOWER.encode(&Sha256::digest(bytes))
        ))
    }

    /// The sha512 of some bytes: a second name that a client may use for a blob.
    pub fn sha512_of(bytes: &[u8]) -> Self {
        Self(format!(
            "sha512:{}",
            HEXLOWER.encode(&Sha512::digest(bytes))
        ))
    }

    /// Takes a text as a digest, unchecked, so that tests can also say nonsense.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the colon.
    pub fn algorithm(&self) -> &str {
        self.0
            .split_once(':')
            .map_or("", |(algorithm, _)| algorithm)
    }

    /// The part after the colon.
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or(&self.0, |(_, hex)| hex)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Digest {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A manifest's description of one piece of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type.
    pub media_type: String,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Number of bytes.
    pub size: u64,
    /// Further members (`platform`, `annotations`, `urls`, …), as a JSON object or null.
    pub more: Value,
}

impl Descriptor {
    /// Describes some bytes as `application/octet-stream`; hashes them.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            media_type: media::OCTETS.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            more: Value::Null,
        }
    }

    /// This content with another media type.
    #[must_use]
    pub fn typed(mut self, media_type: &str) -> Self {
        media_type.clone_into(&mut self.media_type);
        self
    }

    /// This content with further members, a JSON object.
    #[must_use]
    pub fn with(mut self, more: Value) -> Self {
        self.more = more;
        self
    }

    /// This content for a platform `os/architecture` or `os/architecture/variant`.
    #[must_use]
    pub fn on(self, platform: &str) -> Self {
        let mut parts = platform.split('/');
        let os = parts.next().unwrap_or_default();
        let architecture = parts.next().unwrap_or_default();
        let mut value = json!({ "os": os, "architecture": architecture });
        if let Some(variant) = parts.next() {
            value["variant"] = variant.into();
        }
        self.with(json!({ "platform": value }))
    }

    /// The descriptor as it stands in a manifest.
    pub fn json(&self) -> Value {
        let mut value = json!({
            "mediaType": self.media_type,
            "digest": self.digest.as_str(),
            "size": self.size,
        });
        if let (Some(into), Some(more)) = (value.as_object_mut(), self.more.as_object()) {
            for (key, member) in more {
                into.insert(key.clone(), member.clone());
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        // The OCI empty descriptor, the one digest everyone in this field knows.
        assert_eq!(
            Digest::of(b"{}").as_str(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(Digest::sha512_of(b"").hex().len(), 128);
        assert_eq!(Digest::sha512_of(b"").algorithm(), "sha512");
    }

    #[test]
    fn a_descriptor_says_its_platform() {
        let text = Descriptor::of(b"x").on("linux/arm/v7").json();
        assert_eq!(text["platform"]["variant"], "v7");
        assert_eq!(text["size"], 1);
    }
}
