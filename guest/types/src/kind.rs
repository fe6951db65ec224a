//! The purposes of blobs in an image.

/// The purpose of a blob in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A manifest that lists other manifests.
    Index,
    /// A manifest that names a config and layers.
    Manifest,
    /// The config of a manifest.
    Config,
    /// Any other blob of a manifest.
    Layer,
}

impl Kind {
    /// Returns true if a blob of this kind can name other blobs.
    pub const fn is_manifest(self) -> bool {
        matches!(self, Self::Index | Self::Manifest)
    }
}
