//! The small storage that every case starts from.

use std::path::PathBuf;

use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::media;
use regcarve_test_support::storage::{Storage, manifest_json};
use serde_json::json;

/// A repository with one image, good until a case does something to it.
pub(crate) const BAD: &str = "team/bad";
pub(crate) const LAYER: &[u8] = b"the layer of the image that goes bad";

/// What the storage of a case holds.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) storage: Storage,
    pub(crate) config: Descriptor,
    pub(crate) layer: Descriptor,
    /// Top manifest of `team/bad:v1`.
    pub(crate) top: Digest,
    pub(crate) list: Vec<u8>,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for a case");
        let storage = Storage::create(folder.path().join("source"));
        storage.image("team/good", "v1", &[b"good"], &json!({"os": "linux"}));
        let config = storage
            .blob(br#"{"os":"linux","bad":1}"#)
            .typed(media::OCI_CONFIG);
        let layer = storage.blob(LAYER).typed(media::OCI_LAYER);
        let top = storage
            .image_of(BAD, Some("v1"), &config, std::slice::from_ref(&layer))
            .digest;
        let list = b"team/good:v1\nteam/bad:v1\n".to_vec();
        Self {
            folder,
            storage,
            config,
            layer,
            top,
            list,
        }
    }

    /// Puts another manifest under `team/bad:v1`; its digest is that of its bytes.
    pub(crate) fn replace_top(&mut self, bytes: &[u8]) {
        self.top = self.storage.manifest(BAD, Some("v1"), bytes).digest;
    }

    pub(crate) fn manifest(&self) -> String {
        manifest_json(&self.config, std::slice::from_ref(&self.layer)).to_string()
    }

    pub(crate) fn tag(&self) -> PathBuf {
        self.storage.tag_path(BAD, "v1")
    }

    pub(crate) fn revision(&self) -> PathBuf {
        self.storage.revision_link_path(BAD, &self.top)
    }

    pub(crate) fn layer_link(&self) -> PathBuf {
        self.storage.layer_link_path(BAD, &self.layer.digest)
    }

    pub(crate) fn aside(&self) -> PathBuf {
        self.folder.path().join("aside")
    }
}
