//! Writes a registry storage directly, without a registry.
//!
//! Below the root, at `docker/registry/v2`:
//!
//! ```text
//! blobs/sha256/ab/abcd…/data
//! repositories/<name>/_layers/sha256/<hex>/link
//! repositories/<name>/_manifests/revisions/sha256/<hex>/link
//! repositories/<name>/_manifests/tags/<tag>/current/link
//! repositories/<name>/_manifests/tags/<tag>/index/sha256/<hex>/link
//! ```
//!
//! Made to write hundreds of thousands of images: nothing is flushed, nothing is read back, a blob
//! that is known is not hashed again, and every method takes `&self` and may be called from many
//! threads. What is wrong on purpose is done afterwards, with [`faults`](crate::faults) on the
//! paths that this type tells.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::digest::{Descriptor, Digest};
use crate::media;

/// A registry storage that is being written.
#[derive(Debug)]
pub struct Storage {
    root: PathBuf,
    base: PathBuf,
}

impl Storage {
    /// Makes an empty storage; `root` is the registry's `rootdirectory`.
    pub fn create(root: impl Into<PathBuf>) -> Self {
        let storage = Self::at(root);
        make_folder(&storage.base.join("blobs/sha256"));
        make_folder(&storage.base.join("repositories"));
        storage
    }

    /// A storage that is already there, to change it or to ask for paths.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let base = root.join("docker/registry/v2");
        Self { root, base }
    }

    /// The registry's `rootdirectory`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that holds `blobs` and `repositories`.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Stores a blob and describes it as `application/octet-stream`; see [`Descriptor::typed`].
    pub fn blob(&self, bytes: &[u8]) -> Descriptor {
        let described = Descriptor::of(bytes);
        self.blob_as(&described.digest, bytes);
        described
    }

    /// Stores bytes under a digest that the caller knows, or lies about. Nothing is hashed.
    pub fn blob_as(&self, digest: &Digest, bytes: &[u8]) {
        write_new(&self.blob_path(digest), bytes);
    }

    /// Lets a repository serve a blob.
    pub fn layer_link(&self, repository: &str, digest: &Digest) {
        self.layer_alias(repository, digest, digest);
    }

    /// Lets a repository serve, under the name `digest`, the blob stored as `target`.
    ///
    /// A registry does so for a blob pushed by sha512: two links, both name the sha256.
    pub fn layer_alias(&self, repository: &str, digest: &Digest, target: &Digest) {
        write_new(
            &self.layer_link_path(repository, digest),
            target.as_str().as_bytes(),
        );
    }

    /// Lets a repository serve a manifest.
    pub fn revision_link(&self, repository: &str, digest: &Digest) {
        let path = self.revision_link_path(repository, digest);
        write_new(&path, digest.as_str().as_bytes());
    }

    /// Points a tag at a digest: as a registry does, old digests of the tag stay in its `index`.
    pub fn tag(&self, repository: &str, tag: &str, digest: &Digest) {
        let text = digest.as_str().as_bytes();
        write_new(&self.tag_index_path(repository, tag, digest), text);
        let current = self.tag_path(repository, tag);
        if !write_new(&current, text) {
            fs::write(&current, text).expect("move a tag");
        }
    }

    /// Makes the folders of a repository, also those that stay empty.
    pub fn repository(&self, repository: &str) {
        let folder = self.repository_path(repository);
        make_folder(&folder.join("_layers"));
        make_folder(&folder.join("_manifests/revisions"));
        make_folder(&folder.join("_manifests/tags"));
    }

    /// Stores a manifest in a repository: blob, revision link and, where given, tag.
    pub fn manifest(&self, repository: &str, tag: Option<&str>, bytes: &[u8]) -> Descriptor {
        let described = self.blob(bytes);
        self.revision_link(repository, &described.digest);
        if let Some(tag) = tag {
            self.tag(repository, tag, &described.digest);
        }
        described
    }

    /// Stores an OCI image with these layers and this configuration, linked and tagged.
    pub fn image(&self, repository: &str, tag: &str, layers: &[&[u8]], config: &Value) -> Digest {
        let layers: Vec<Descriptor> = layers
            .iter()
            .map(|bytes| self.blob(bytes).typed(media::OCI_LAYER))
            .collect();
        let config = self
            .blob(config.to_string().as_bytes())
            .typed(media::OCI_CONFIG);
        self.image_of(repository, Some(tag), &config, &layers)
            .digest
    }

    /// Stores an OCI image of blobs that are already there; the fast way for shared layers.
    pub fn image_of(
        &self,
        repository: &str,
        tag: Option<&str>,
        config: &Descriptor,
        layers: &[Descriptor],
    ) -> Descriptor {
        make_folder(&self.repository_path(repository).join("_layers"));
        for blob in layers.iter().chain([config]) {
            self.layer_link(repository, &blob.digest);
        }
        let bytes = manifest_json(config, layers).to_string();
        self.manifest(repository, tag, bytes.as_bytes())
            .typed(media::OCI_MANIFEST)
    }

    /// Stores an OCI index of manifests that the repository has already.
    pub fn index(
        &self,
        repository: &str,
        tag: Option<&str>,
        children: &[Descriptor],
    ) -> Descriptor {
        make_folder(&self.repository_path(repository).join("_layers"));
        let bytes = index_json(children).to_string();
        self.manifest(repository, tag, bytes.as_bytes())
            .typed(media::OCI_INDEX)
    }

    /// Where the bytes of a digest are.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        let first = hex.get(..2).unwrap_or(hex);
        self.base
            .join(format!("blobs/{}/{first}/{hex}/data", digest.algorithm()))
    }

    /// The folder of a repository.
    pub fn repository_path(&self, repository: &str) -> PathBuf {
        self.base.join("repositories").join(repository)
    }

    /// The link by which a repository serves a blob.
    pub fn layer_link_path(&self, repository: &str, digest: &Digest) -> PathBuf {
        self.repository_path(repository).join(format!(
            "_layers/{}/{}/link",
            digest.algorithm(),
            digest.hex()
        ))
    }

    /// The link by which a repository serves a manifest.
    pub fn revision_link_path(&self, repository: &str, digest: &Digest) -> PathBuf {
        let (algorithm, hex) = (digest.algorithm(), digest.hex());
        self.repository_path(repository)
            .join(format!("_manifests/revisions/{algorithm}/{hex}/link"))
    }

    /// The link that says what a tag is now.
    pub fn tag_path(&self, repository: &str, tag: &str) -> PathBuf {
        self.repository_path(repository)
            .join(format!("_manifests/tags/{tag}/current/link"))
    }

    /// The digest that a tag has now.
    pub fn current(&self, repository: &str, tag: &str) -> Digest {
        let path = self.tag_path(repository, tag);
        Digest::new(fs::read_to_string(path).expect("the link of a tag"))
    }

    /// The link that says what a tag is or was.
    pub fn tag_index_path(&self, repository: &str, tag: &str, digest: &Digest) -> PathBuf {
        let (algorithm, hex) = (digest.algorithm(), digest.hex());
        self.repository_path(repository).join(format!(
            "_manifests/tags/{tag}/index/{algorithm}/{hex}/link"
        ))
    }
}

/// An OCI image manifest.
pub fn manifest_json(config: &Descriptor, layers: &[Descriptor]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": config.json(),
        "layers": layers.iter().map(Descriptor::json).collect::<Vec<_>>(),
    })
}

/// An OCI image index.
pub fn index_json(children: &[Descriptor]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_INDEX,
        "manifests": children.iter().map(Descriptor::json).collect::<Vec<_>>(),
    })
}

/// Writes a file that is not there and says so; one that is there stays.
fn write_new(path: &Path, bytes: &[u8]) -> bool {
    let open = || OpenOptions::new().write(true).create_new(true).open(path);
    let opened = match open() {
        // Asking for the folder only now saves a call for everything but the first file in it.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_folder(path.parent().expect("a file in a storage has a folder"));
            open()
        }
        other => other,
    };
    match opened {
        Ok(mut file) => {
            file.write_all(bytes)
                .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
            true
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        Err(error) => panic!("cannot create {}: {error}", path.display()),
    }
}

fn make_folder(path: &Path) {
    fs::create_dir_all(path)
        .unwrap_or_else(|error| panic!("cannot make folder {}: {error}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_moves_and_remembers() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(folder.path());
        let old = storage.image("team/app", "v1", &[b"old"], &json!({"os": "linux"}));
        let new = storage.image("team/app", "v1", &[b"new"], &json!({"os": "linux"}));
        let current = fs::read_to_string(storage.tag_path("team/app", "v1")).unwrap();
        assert_eq!(current, new.as_str());
        assert!(storage.tag_index_path("team/app", "v1", &old).is_file());
        assert!(storage.blob_path(&old).is_file());
    }

    #[test]
    fn many_threads_may_write() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(folder.path());
        let layer = storage.blob(b"shared").typed(media::OCI_LAYER);
        let config = storage.blob(b"{}").typed(media::OCI_CONFIG);
        std::thread::scope(|scope| {
            for part in 0..2 {
                let (storage, layer, config) = (&storage, &layer, &config);
                scope.spawn(move || {
                    for number in 0..50 {
                        let repository = format!("r{part}/n{number}");
                        let layers = std::slice::from_ref(layer);
                        storage.image_of(&repository, Some("latest"), config, layers);
                    }
                });
            }
        });
        assert!(storage.tag_path("r1/n49", "latest").is_file());
    }
}
