//! Blobs of a layout: manifests, configs and layers alike.

use regcarve_formats::oci::blob_path;
use regcarve_layout_kit::{BlobFile, Damage, ManifestFile, Store};
use regcarve_types::Digest;

/// The folder `blobs` of the source.
pub(crate) struct Blobs;

impl Store for Blobs {
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage> {
        ManifestFile::read(blob_path(digest), digest)
    }

    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage> {
        BlobFile::at(blob_path(digest), need_size)
    }
}
