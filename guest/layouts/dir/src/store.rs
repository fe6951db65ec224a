//! The folder of one image, opened.

use regcarve_formats::dir::{File, Version};
use regcarve_layout_kit::{BlobFile, Damage, ManifestFile, Store, source};
use regcarve_types::{Algorithm, Digest};

/// The folder of an image of which `manifest.json` has been read.
pub(crate) struct ImageFolder {
    path: String,
    top: Digest,
    /// The content of `manifest.json`, until it is asked for.
    bytes: Vec<u8>,
}

impl ImageFolder {
    /// Reads `manifest.json`; `None` if there is none. With `expected` it must have that digest, without it the
    /// digest is computed.
    pub(crate) fn open(path: &str, expected: Option<Digest>) -> Result<Option<Self>, Damage> {
        let file = manifest_path(path);
        let read = match expected {
            Some(digest) => source::read_blob(&file, digest)?.map(|bytes| (digest, bytes)),
            None => source::find_blob(&file)?,
        };
        Ok(read.map(|(top, bytes)| Self {
            path: path.to_owned(),
            top,
            bytes,
        }))
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The digest of `manifest.json`.
    pub(crate) const fn top(&self) -> Digest {
        self.top
    }

    /// The content of `manifest.json`.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Checks `version`, which older tools did not write.
    pub(crate) fn check_version(&self) -> Result<(), Damage> {
        let path = format!("{}/{}", self.path, File::Version);
        match source::read_file(&path)?.map(|content| Version::parse(&content)) {
            Some(Err(error)) => Err(Damage {
                path,
                cause: error.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Answers whether the image has a signature of skopeo's own kind.
    pub(crate) fn is_signed(&self) -> bool {
        let signature = format!("{}/{}", self.path, File::Signature(1));
        matches!(source::file_size(&signature), Ok(Some(_)))
    }

    /// Answers whether a manifest other than the top is in the folder.
    pub(crate) fn has_child(path: &str, digest: Digest) -> bool {
        let is_there = |file: String| matches!(source::file_size(&file), Ok(Some(_)));
        candidates(path, File::Child(digest)).any(is_there)
    }
}

impl Store for ImageFolder {
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage> {
        if digest == self.top {
            return Ok(ManifestFile {
                path: manifest_path(&self.path),
                bytes: Some(std::mem::take(&mut self.bytes)),
            });
        }
        Children(&self.path).manifest(digest)
    }

    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage> {
        Children(&self.path).blob(digest, need_size)
    }
}

/// The files beside `manifest.json` in the folder of an image.
pub(crate) struct Children<'p>(pub(crate) &'p str);

impl Store for Children<'_> {
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage> {
        for path in candidates(self.0, File::Child(digest)) {
            let file = ManifestFile::read(path, digest)?;
            if file.bytes.is_some() {
                return Ok(file);
            }
        }
        Ok(ManifestFile {
            path: format!("{}/{}", self.0, File::Child(digest)),
            bytes: None,
        })
    }

    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage> {
        let usual = format!("{}/{}", self.0, File::Blob(digest));
        // There is one name only, and the host looks at it anyway.
        if !need_size && digest.algorithm() == Algorithm::Sha256 {
            return BlobFile::at(usual, false);
        }
        for path in candidates(self.0, File::Blob(digest)) {
            let file = BlobFile::at(path, true)?;
            if file.size.is_some() {
                return Ok(file);
            }
        }
        BlobFile::at(usual, false)
    }
}

/// The path of the top manifest.
pub(crate) fn manifest_path(folder: &str) -> String {
    format!("{folder}/{}", File::Manifest)
}

/// The paths that a file may have, that of the present name first.
fn candidates(folder: &str, file: File) -> impl Iterator<Item = String> {
    let names = [Some(file.to_string()), file.older_name()];
    names
        .into_iter()
        .flatten()
        .map(move |name| format!("{folder}/{name}"))
}
