//! ClosureEntry in a layout: there is one place for everything.

use regcarve_formats::oci::blob_path;
use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{Damage, source};
use regcarve_layout_kit::{BlobFile, ManifestFile, Store, cause};
use regcarve_types::Digest;

/// `blobs/` of the source.
pub(crate) struct Blobs;

impl Store for Blobs {
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage> {
        let path = blob_path(digest);
        match source::read_blob(&path, Some(&digest.to_string())) {
            Ok(blob) => Ok(ManifestFile::Present {
                path,
                bytes: blob.bytes,
            }),
            Err(Failure::NotFound) => Ok(ManifestFile::Absent { path }),
            Err(failure) => Err(Damage {
                path,
                cause: cause(failure),
            }),
        }
    }

    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage> {
        let path = blob_path(digest);
        match need_size.then(|| source::file_size(&path)) {
            None | Some(Err(Failure::NotFound)) => Ok(BlobFile { path, size: None }),
            Some(Ok(size)) => Ok(BlobFile {
                path,
                size: Some(size),
            }),
            Some(Err(failure)) => Err(Damage {
                path,
                cause: cause(failure),
            }),
        }
    }
}
