//! skopeo's `dir:`: one folder for each image, with plain files in it.
//!
//! ```text
//!   library/nginx:1.27               one image; below it nothing is shared with other images
//!   ├── version                      which revision of this format
//!   ├── manifest.json                the image, or an index
//!   ├── <hex>.manifest.json          a manifest that the index names
//!   ├── <hex>                        a config or a layer
//!   ├── signature-1                  a signature of the image
//!   └── <hex>.signature-1            a signature of a manifest that the index names
//! ```
//!
//! Digits without an algorithm are those of a `sha256`. Others are written `<alg>-<hex>` since
//! revision 1.2; before it they stood alone as well, and are told apart by their number.
//!
//! Neither the name of the image nor the digest or media type of `manifest.json` is in the folder. The
//! name is that of the folder itself, as `skopeo sync` writes it.

use std::fmt;

use regcarve_types::{Algorithm, Digest, Reference, ReferenceError};

#[cfg(test)]
mod tests;
mod version;

pub use version::{Version, VersionError};

/// The longest name of a file or folder that file systems accept.
const LONGEST_FILE_NAME: usize = 255;

/// The text before the number of a signature.
const SIGNATURE: &str = "signature-";

/// The text after the digits of a manifest.
const MANIFEST: &str = "manifest.json";

/// A file in the folder of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum File {
    /// The revision of the format.
    Version,
    /// The image, or an index.
    Manifest,
    /// A manifest that an index names.
    Child(Digest),
    /// A config or a layer.
    Blob(Digest),
    /// A signature of the image; they are counted from one.
    Signature(u32),
    /// A signature of a manifest that an index names.
    ChildSignature(Digest, u32),
}

impl File {
    /// Reads the name of a file. Names that `dir:` does not use give `None`.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(number) = name.strip_prefix(SIGNATURE) {
            return signature_number(number).map(Self::Signature);
        }
        match (name, name.split_once('.')) {
            ("version", _) => Some(Self::Version),
            (MANIFEST, _) => Some(Self::Manifest),
            (_, None) => parse_digest(name).map(Self::Blob),
            (_, Some((digest, MANIFEST))) => parse_digest(digest).map(Self::Child),
            (_, Some((digest, signature))) => {
                let number = signature_number(signature.strip_prefix(SIGNATURE)?)?;
                Some(Self::ChildSignature(parse_digest(digest)?, number))
            }
        }
    }
}

impl File {
    /// The name before revision 1.2, where that was another one: without the algorithm.
    pub fn older_name(&self) -> Option<String> {
        let name = format!("{self}");
        let (algorithm, rest) = name.split_once('-')?;
        Algorithm::from_name(algorithm).map(|_| rest.into())
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("version"),
            Self::Manifest => f.write_str(MANIFEST),
            Self::Child(digest) => write!(f, "{}.{MANIFEST}", Bare(digest)),
            Self::Blob(digest) => write!(f, "{}", Bare(digest)),
            Self::Signature(number) => write!(f, "{SIGNATURE}{number}"),
            Self::ChildSignature(digest, number) => {
                write!(f, "{}.{SIGNATURE}{number}", Bare(digest))
            }
        }
    }
}

/// A digest as file names have it.
struct Bare<'a>(&'a Digest);

impl fmt::Display for Bare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.algorithm() != Algorithm::Sha256 {
            write!(f, "{}-", self.0.algorithm())?;
        }
        f.write_str(&self.0.hex())
    }
}

fn parse_digest(text: &str) -> Option<Digest> {
    let (algorithm, hex) = match text.split_once('-') {
        // Never written in front of a sha256, so it would be a second name for the same.
        Some(("sha256", _)) => return None,
        Some((algorithm, hex)) => (Algorithm::from_name(algorithm)?, hex),
        None => {
            let mut known = Algorithm::ALL.into_iter();
            (known.find(|known| known.hex_length() == text.len())?, text)
        }
    };
    Digest::from_hex(algorithm, hex).ok()
}

fn signature_number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

/// An image whose name is too long for a folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` needs a folder name of {found} characters, {LONGEST_FILE_NAME} is the limit")]
pub struct NameTooLong {
    /// The name of the image.
    name: String,
    /// The number of characters of its last part.
    found: usize,
}

/// The folder of an image below the folder of all images: `repository:tag`, or
/// `repository@digest` for an image without tag. skopeo opens both.
///
/// A digest beside a tag is left out; it is that of `manifest.json`.
pub fn folder_of(reference: &Reference) -> Result<String, NameTooLong> {
    let repository = reference.repository();
    let name = match (reference.tag(), reference.digest()) {
        (Some(tag), _) => format!("{repository}:{tag}"),
        (None, Some(digest)) => format!("{repository}@{digest}"),
        (None, None) => format!("{repository}"),
    };
    let last = name.rsplit('/').next().map_or(0, str::len);
    if last > LONGEST_FILE_NAME {
        return Err(NameTooLong { name, found: last });
    }
    Ok(name)
}

/// The image that a folder below the folder of all images holds.
pub fn reference_of(folder: &str) -> Result<Reference, ReferenceError> {
    Reference::parse(folder)
}
