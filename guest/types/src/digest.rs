//! Digests: the names of all content.
//!
//! Every path in a storage that leads to content is built from a digest, so a digest that is not
//! exactly what it claims to be is how most tools of this field were led out of their folder.
//! Here one exists only after the parser has seen `algorithm:hex` with the right algorithm, the
//! right length and lower case letters, and nothing before or after. A registry is as strict when
//! it reads its link files; being more lenient would carve what it cannot serve.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use data_encoding::HEXLOWER;

use crate::excerpt::Excerpt;

mod error;
mod hex;
#[cfg(test)]
mod tests;

pub use error::DigestError;
pub use hex::HexText;

/// The length of the longest hash, in bytes.
const LONGEST_HASH: usize = 64;

/// A hash function that may name content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// `sha256`, the algorithm of practically all registries.
    Sha256,
    /// `sha384`
    Sha384,
    /// `sha512`
    Sha512,
}

impl Algorithm {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name in front of the colon, which is also a folder name in storages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of a hash in bytes.
    pub const fn byte_length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The length of a hash in hexadecimal digits.
    pub const fn hex_length(self) -> usize {
        2 * self.byte_length()
    }

    /// The algorithm with this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The digest of some content, such as `sha256:0c1f…`.
///
/// Digests are plain values without a heap part, because a host keeps a million of them. They are
/// ordered like their texts.
#[derive(Clone, Copy)]
pub struct Digest {
    algorithm: Algorithm,
    /// The hash; zero beyond the length of the algorithm.
    hash: [u8; LONGEST_HASH],
}

impl Digest {
    /// Reads a digest; the whole text must be one.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        Self::parse_exactly(text).map_err(|error| error.or_white_space_of(text))
    }

    fn parse_exactly(text: &str) -> Result<Self, DigestError> {
        let (name, hex) = text
            .split_once(':')
            .ok_or_else(|| DigestError::without_colon(text))?;
        let algorithm = Algorithm::from_name(name)
            .ok_or_else(|| DigestError::UnknownAlgorithm(Excerpt::of(name)))?;
        Self::decode(algorithm, hex, name.len() + 1)
    }

    /// Reads the part behind the colon, for formats that write the algorithm elsewhere.
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, DigestError> {
        Self::decode(algorithm, hex, 0)
    }

    /// `before` is how many characters of the text the caller has already read.
    fn decode(algorithm: Algorithm, hex: &str, before: usize) -> Result<Self, DigestError> {
        let mut hash = [0; LONGEST_HASH];
        let decoded = &mut hash[..algorithm.byte_length()];
        // Knows lower case only.
        if hex.len() == algorithm.hex_length()
            && HEXLOWER.decode_mut(hex.as_bytes(), decoded).is_ok()
        {
            return Ok(Self { algorithm, hash });
        }
        Err(DigestError::in_digits(algorithm, hex, before))
    }

    /// A sha256.
    pub fn sha256(hash: [u8; 32]) -> Self {
        Self::exactly(Algorithm::Sha256, &hash)
    }

    /// A sha384.
    pub fn sha384(hash: [u8; 48]) -> Self {
        Self::exactly(Algorithm::Sha384, &hash)
    }

    /// A sha512.
    pub fn sha512(hash: [u8; 64]) -> Self {
        Self::exactly(Algorithm::Sha512, &hash)
    }

    fn exactly(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hash = [0; LONGEST_HASH];
        hash[..bytes.len()].copy_from_slice(bytes);
        Self { algorithm, hash }
    }

    /// The algorithm in front of the colon.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hash as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.hash[..self.algorithm.byte_length()]
    }

    /// The hash in hexadecimal digits, without allocating.
    pub fn hex(&self) -> HexText {
        HexText::of(self.as_bytes())
    }

    /// A form for messages to people: the algorithm and the first twelve digits.
    pub fn short(&self) -> impl fmt::Display + use<> {
        Short(*self)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::parse(text)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm.name())?;
        f.write_str(":")?;
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Digest {}

impl Ord for Digest {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.algorithm, self.as_bytes()).cmp(&(other.algorithm, other.as_bytes()))
    }
}

impl PartialOrd for Digest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The length tells the algorithms apart.
        self.as_bytes().hash(state);
    }
}

struct Short(Digest);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}…", self.0.algorithm, &self.0.hex()[..12])
    }
}
