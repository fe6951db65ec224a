//! Decisions of policies about images, checked.

use regcarve_types::{Digest, Platform, Reference};

/// The fate of an image, as one policy decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The image stays as it is.
    Keep,
    /// The image stays, but only these of its platforms travel.
    KeepPlatforms(Vec<Platform>),
    /// The image gets another top manifest.
    Rewrite {
        /// New manifests, children before parents, the new top last.
        manifests: Vec<NewManifest>,
        /// Blobs of the image that travel besides.
        contents: Vec<Digest>,
    },
    /// The image gets another name.
    Rename(Reference),
    /// The image does not belong to the release, for this reason.
    Drop(String),
    /// The release is incomplete because of this image, for this reason.
    Missing(String),
}

/// A manifest that a policy made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewManifest {
    /// The media type.
    pub media_type: String,
    /// The text of the manifest.
    pub bytes: Vec<u8>,
    /// The manifest that it replaces.
    pub instead_of: Digest,
}

/// A policy's description of itself.
#[derive(Debug, Clone)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// The JSON schema of its settings.
    pub settings_schema: String,
}
