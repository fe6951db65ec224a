//! The folder of one image, opened.

use regcarve_formats::dir::{File, Version};
use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{Damage, source};
use regcarve_layout_kit::{BlobFile, ManifestFile, Store, cause};
use regcarve_types::{Algorithm, Digest};

/// The folder of an image of which `manifest.json` has been read.
pub(crate) struct ImageFolder {
    path: String,
    top: Digest,
    /// What `manifest.json` holds, until it is asked for.
    bytes: Vec<u8>,
}

impl ImageFolder {
    /// Reads `manifest.json`; nothing if there is none. With `expected` it must have that digest,
    /// without it the digest is computed.
    pub(crate) fn open(path: &str, expected: Option<Digest>) -> Result<Option<Self>, Damage> {
        let file = manifest_path(path);
        let expected = expected.map(|digest| digest.to_string());
        let damage = |cause| Damage {
            path: file.clone(),
            cause,
        };
        match source::read_blob(&file, expected.as_deref()) {
            Ok(blob) => {
                let top = Digest::parse(&blob.digest).map_err(|error| damage(error.to_string()))?;
                Ok(Some(Self {
                    path: path.to_owned(),
                    top,
                    bytes: blob.bytes,
                }))
            }
            Err(Failure::NotFound) => Ok(None),
            Err(failure) => Err(damage(cause(failure))),
        }
    }

    /// The digest of `manifest.json`.
    pub(crate) const fn top(&self) -> Digest {
        self.top
    }

    /// What `manifest.json` holds.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads `version`, which older tools did not write.
    pub(crate) fn check_version(&self) -> Result<(), Damage> {
        let path = format!("{}/{}", self.path, File::Version);
        let cause = match source::read_file(&path) {
            Ok(content) => match Version::parse(&content) {
                Ok(_) => return Ok(()),
                Err(error) => error.to_string(),
            },
            Err(Failure::NotFound) => return Ok(()),
            Err(failure) => cause(failure),
        };
        Err(Damage { path, cause })
    }

    /// Whether the image has a signature of skopeo's own kind.
    pub(crate) fn is_signed(&self) -> bool {
        source::file_size(&format!("{}/{}", self.path, File::Signature(1))).is_ok()
    }

    /// Whether a manifest other than the top is in the folder.
    pub(crate) fn has_child(path: &str, digest: Digest) -> bool {
        candidates(path, File::Child(digest)).any(|file| source::file_size(&file).is_ok())
    }
}

impl Store for ImageFolder {
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage> {
        if digest == self.top {
            let bytes = std::mem::take(&mut self.bytes);
            return Ok(ManifestFile::Present {
                path: manifest_path(&self.path),
                bytes,
            });
        }
        Child(&self.path).manifest(digest)
    }

    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage> {
        Child(&self.path).blob(digest, need_size)
    }
}

/// The folder of an image, of which only what `manifest.json` names is looked at.
pub(crate) struct Child<'p>(pub(crate) &'p str);

impl Store for Child<'_> {
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage> {
        let expected = digest.to_string();
        for path in candidates(self.0, File::Child(digest)) {
            match source::read_blob(&path, Some(&expected)) {
                Ok(blob) => {
                    return Ok(ManifestFile::Present {
                        path,
                        bytes: blob.bytes,
                    });
                }
                Err(Failure::NotFound) => {}
                Err(failure) => {
                    return Err(Damage {
                        path,
                        cause: cause(failure),
                    });
                }
            }
        }
        Ok(ManifestFile::Absent {
            path: format!("{}/{}", self.0, File::Child(digest)),
        })
    }

    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage> {
        let usual = format!("{}/{}", self.0, File::Blob(digest));
        // There is one name only, and the host looks at it anyway.
        if !need_size && digest.algorithm() == Algorithm::Sha256 {
            return Ok(BlobFile {
                path: usual,
                size: None,
            });
        }
        for path in candidates(self.0, File::Blob(digest)) {
            match source::file_size(&path) {
                Ok(size) => {
                    return Ok(BlobFile {
                        path,
                        size: Some(size),
                    });
                }
                Err(Failure::NotFound) => {}
                Err(failure) => {
                    return Err(Damage {
                        path,
                        cause: cause(failure),
                    });
                }
            }
        }
        Ok(BlobFile {
            path: usual,
            size: None,
        })
    }
}

/// Where the top manifest is.
pub(crate) fn manifest_path(folder: &str) -> String {
    format!("{folder}/{}", File::Manifest)
}

/// The names that a file may have, the present one first.
fn candidates(folder: &str, file: File) -> impl Iterator<Item = String> {
    let names = [Some(file.to_string()), file.older_name()];
    names
        .into_iter()
        .flatten()
        .map(move |name| format!("{folder}/{name}"))
}
