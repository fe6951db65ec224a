//! Images for native tests of policies: no sandbox, no registry, no files.
//!
//! ```ignore
//! let gold = testing::manifest(json!({"os": "linux", "architecture": "amd64", "config": {"Labels": {"tier": "gold"}}}));
//! let image = testing::index([gold.on("linux/amd64")]).image("1.0");
//! let mut policy: MyPolicy = configure(r#"{"tier": "gold"}"#).unwrap();
//! assert_eq!(policy.decide("team/app", &image), Ok(Decision::Keep));
//! ```
//!
//! The thread that makes an image remembers its blobs, and [`content`](crate::policy::content) answers from there.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use regcarve_formats::sample::{self, Entry};
use regcarve_types::Platform;
use serde_json::{Map, Value};

use crate::convert::platform_to_contract;
use crate::policy::Image;
use crate::{Content, Failure, Kind};

#[derive(Default)]
struct Storage {
    closures: BTreeMap<String, Vec<Content>>,
    blobs: BTreeMap<String, Vec<u8>>,
    reads: Vec<String>,
}

std::thread_local! {
    static STORAGE: RefCell<Storage> = RefCell::default();
}

/// A blob of a sample image with everything below it.
#[derive(Clone)]
pub struct Node(sample::Node);

/// The sha256 of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    sample::digest(bytes).to_string()
}

/// A layer of some size. Two of one name are the same blob.
pub fn layer(name: &str, size: u64) -> Node {
    Node(sample::layer(name, size))
}

/// An image manifest with this config.
pub fn manifest(config: Value) -> Node {
    manifest_of(config, Value::Null, [])
}

/// An image manifest with this config, annotations and layers.
pub fn manifest_of(
    config: Value,
    annotations: Value,
    layers: impl IntoIterator<Item = Node>,
) -> Node {
    let layers = layers.into_iter().map(|layer| layer.0);
    Node(sample::manifest(&config, members(annotations), layers))
}

/// A manifest with a config of this type.
pub fn artifact(
    config_type: &str,
    config: Value,
    annotations: Value,
    layers: impl IntoIterator<Item = Node>,
) -> Node {
    let layers = layers.into_iter().map(|layer| layer.0);
    let annotations = members(annotations);
    Node(sample::artifact(config_type, &config, annotations, layers))
}

/// An index of these manifests.
pub fn index(children: impl IntoIterator<Item = Node>) -> Node {
    index_of(Value::Null, children)
}

/// An index of these manifests, with annotations.
pub fn index_of(annotations: Value, children: impl IntoIterator<Item = Node>) -> Node {
    let children = children.into_iter().map(|child| child.0);
    Node(sample::index(members(annotations), children))
}

/// The members of a JSON object; none for `null`.
fn members(annotations: Value) -> Map<String, Value> {
    match annotations {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

impl Node {
    /// The digest of the blob.
    pub fn digest(&self) -> String {
        self.0.digest().to_string()
    }

    /// Gives it a platform, which the index above it will state.
    #[must_use]
    pub fn on(self, platform: &str) -> Self {
        Self(self.0.on(Platform::parse(platform).expect("a platform")))
    }

    /// Makes it an attestation of that manifest, which the index above it will state.
    #[must_use]
    pub fn attests(self, subject: &Self) -> Self {
        Self(self.0.attests(&subject.0))
    }

    /// Gives it annotations, which the index above it will state.
    #[must_use]
    pub fn annotated(self, annotations: Value) -> Self {
        Self(self.0.annotated(members(annotations)))
    }

    /// Makes the row that a policy is shown, under this tag.
    pub fn image(self, tag: &str) -> Image {
        Image {
            tag: Some(tag.into()),
            ..self.untagged()
        }
    }

    /// Makes the row that a policy is shown, without a tag.
    pub fn untagged(self) -> Image {
        let closure = self.0.closure();
        let platforms = closure
            .iter()
            .filter(|entry| entry.describes.is_none())
            .filter_map(|entry| entry.platform.as_ref())
            .filter(|platform| !platform.is_unknown())
            .map(platform_to_contract)
            .collect();
        let image = Image {
            tag: None,
            digest: closure[0].digest.to_string(),
            media_type: closure[0].media_type.clone(),
            size: closure.iter().map(|entry| entry.size).sum(),
            platforms,
        };
        STORAGE.with_borrow_mut(|storage| {
            let contents = closure.iter().map(content).collect();
            storage.closures.insert(image.digest.clone(), contents);
            let blobs = closure.into_iter();
            storage
                .blobs
                .extend(blobs.filter_map(|entry| Some((entry.digest.to_string(), entry.bytes?))));
        });
        image
    }
}

/// An entry of a closure as the contract has it.
fn content(entry: &Entry) -> Content {
    Content {
        digest: entry.digest.to_string(),
        media_type: entry.media_type.clone(),
        size: entry.size,
        kind: match entry.kind {
            regcarve_types::Kind::Index => Kind::Index,
            regcarve_types::Kind::Manifest => Kind::Manifest,
            regcarve_types::Kind::Config => Kind::Config,
            regcarve_types::Kind::Layer => Kind::Layer,
        },
        platform: entry.platform.as_ref().map(platform_to_contract),
        describes: entry.describes.as_ref().map(ToString::to_string),
        children: entry.children.clone(),
    }
}

/// Digests of blobs that have been read by this thread since this was last asked.
pub fn take_reads() -> Vec<String> {
    STORAGE.with_borrow_mut(|storage| std::mem::take(&mut storage.reads))
}

/// See [`content::closure`](crate::policy::content::closure).
pub(crate) fn closure(image: &str) -> Result<Vec<Content>, Failure> {
    STORAGE.with_borrow(|storage| {
        let refused = || Failure::Refused(format!("{image} is none of the images in this call"));
        storage.closures.get(image).cloned().ok_or_else(refused)
    })
}

/// See [`content::read_blob`](crate::policy::content::read_blob).
pub(crate) fn read_blob(digest: &str) -> Result<Vec<u8>, Failure> {
    STORAGE.with_borrow_mut(|storage| {
        storage.reads.push(digest.into());
        storage.blobs.get(digest).cloned().ok_or(Failure::NotFound)
    })
}
