//! The formats of manifests.

use std::fmt;

/// The format of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManifestType {
    /// A list of manifests, by the Open Container Initiative.
    OciIndex,
    /// An image or artifact, by the Open Container Initiative.
    OciManifest,
    /// A list of manifests, by Docker.
    DockerList,
    /// An image, by Docker.
    DockerManifest,
    /// The first schema, without signatures.
    Schema1,
    /// The first schema, with signatures inside.
    Schema1Signed,
}

/// The kind of manifest that a format holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Index,
    Image,
    Schema1,
}

impl ManifestType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::OciIndex,
        Self::OciManifest,
        Self::DockerList,
        Self::DockerManifest,
        Self::Schema1,
        Self::Schema1Signed,
    ];

    /// The media type, as manifests and HTTP headers state it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OciIndex => "application/vnd.oci.image.index.v1+json",
            Self::OciManifest => "application/vnd.oci.image.manifest.v1+json",
            Self::DockerList => "application/vnd.docker.distribution.manifest.list.v2+json",
            Self::DockerManifest => "application/vnd.docker.distribution.manifest.v2+json",
            Self::Schema1 => "application/vnd.docker.distribution.manifest.v1+json",
            Self::Schema1Signed => "application/vnd.docker.distribution.manifest.v1+prettyjws",
        }
    }

    /// The format with this exact media type.
    pub fn from_media_type(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Returns true for a list of manifests.
    pub const fn is_index(self) -> bool {
        matches!(self.shape(), Shape::Index)
    }

    /// Returns true for an image in the first schema, which has no config.
    pub const fn is_schema1(self) -> bool {
        matches!(self.shape(), Shape::Schema1)
    }

    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::OciIndex | Self::DockerList => Shape::Index,
            Self::OciManifest | Self::DockerManifest => Shape::Image,
            Self::Schema1 | Self::Schema1Signed => Shape::Schema1,
        }
    }
}

impl fmt::Display for ManifestType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
