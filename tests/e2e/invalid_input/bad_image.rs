//! The storage that every case starts from: a good image, and one that goes bad.

use std::path::PathBuf;

use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::media;
use regcarve_test_support::storage::{Storage, manifest_json};
use serde_json::json;

/// The repository with the image that a case makes bad.
pub(crate) const BAD: &str = "team/bad";
pub(crate) const LAYER: &[u8] = b"the layer of the image that goes bad";

/// `team/bad:v1`, and the list that selects it.
pub(crate) struct BadImage {
    pub(crate) config: Descriptor,
    pub(crate) layer: Descriptor,
    /// Digest of its manifest.
    pub(crate) top: Digest,
    pub(crate) list: Vec<u8>,
}

/// A storage with [`BadImage`].
pub(crate) type BadStorage = Fixture<BadImage>;

/// Everything is good as long as no case has changed it.
pub(crate) fn still_good() -> BadStorage {
    Fixture::new().with(|fixture| fill(&fixture.storage))
}

fn fill(storage: &Storage) -> BadImage {
    storage.image("team/good", "v1", &[b"good"], &json!({"os": "linux"}));
    let config = storage
        .blob(br#"{"os":"linux","bad":1}"#)
        .typed(media::OCI_CONFIG);
    let layer = storage.blob(LAYER).typed(media::OCI_LAYER);
    let top = storage
        .image_of(BAD, Some("v1"), &config, std::slice::from_ref(&layer))
        .digest;
    BadImage {
        config,
        layer,
        top,
        list: b"team/good:v1\nteam/bad:v1\n".to_vec(),
    }
}

/// Puts another manifest under `team/bad:v1`; its digest is that of its bytes.
pub(crate) fn replace_top(bad: &mut BadStorage, bytes: &[u8]) {
    bad.made.top = bad.storage.manifest(BAD, Some("v1"), bytes).digest;
}

impl BadImage {
    pub(crate) fn manifest(&self) -> String {
        manifest_json(&self.config, std::slice::from_ref(&self.layer)).to_string()
    }
}

pub(crate) fn tag(bad: &BadStorage) -> PathBuf {
    bad.storage.tag_path(BAD, "v1")
}

pub(crate) fn revision(bad: &BadStorage) -> PathBuf {
    bad.storage.revision_link_path(BAD, &bad.made.top)
}

pub(crate) fn layer_link(bad: &BadStorage) -> PathBuf {
    bad.storage.layer_link_path(BAD, &bad.made.layer.digest)
}
