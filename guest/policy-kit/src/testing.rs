//! Images for native tests of policies: no sandbox, no registry, no files.
//!
//! ```ignore
//! let gold = testing::manifest(json!({"os": "linux", "architecture": "amd64", "config": {"Labels": {"tier": "gold"}}}));
//! let image = testing::index([gold.on("linux/amd64")]).image("1.0");
//! let mut policy: MyPolicy = configure(r#"{"tier": "gold"}"#).unwrap();
//! assert_eq!(policy.decide("team/app", &image), Ok(Decision::Keep));
//! ```
//!
//! What an image consists of is remembered by the thread that made it, and
//! [`content`](crate::policy::content) answers from there.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use regcarve_types::Platform;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

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

/// A piece of content with everything below it.
#[derive(Clone)]
pub struct Node {
    content: Content,
    bytes: Option<Vec<u8>>,
    annotations: Value,
    children: Vec<Self>,
}

/// The sha256 of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn node(kind: Kind, media_type: &str, bytes: Vec<u8>) -> Node {
    Node {
        content: Content {
            digest: digest(&bytes),
            media_type: media_type.into(),
            size: bytes.len() as u64,
            kind,
            platform: None,
            describes: None,
            children: Vec::new(),
        },
        bytes: Some(bytes),
        annotations: Value::Null,
        children: Vec::new(),
    }
}

/// A layer of this size; two of one name are the same content.
pub fn layer(name: &str, size: u64) -> Node {
    let mut layer = node(
        Kind::Layer,
        "application/vnd.oci.image.layer.v1.tar",
        name.into(),
    );
    layer.content.size = size;
    layer.bytes = None;
    layer
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
    let media_type = "application/vnd.oci.image.config.v1+json";
    artifact(media_type, config, annotations, layers)
}

/// A manifest with a config of this type.
pub fn artifact(
    config_type: &str,
    config: Value,
    annotations: Value,
    layers: impl IntoIterator<Item = Node>,
) -> Node {
    let config = node(Kind::Config, config_type, config.to_string().into());
    let layers: Vec<_> = layers.into_iter().collect();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let mut value = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor(),
        "layers": layers.iter().map(Node::descriptor).collect::<Vec<_>>(),
    });
    if !annotations.is_null() {
        value["annotations"] = annotations;
    }
    let mut made = node(Kind::Manifest, media_type, value.to_string().into());
    made.children.push(config);
    made.children.extend(layers);
    made
}

/// An index of these manifests.
pub fn index(children: impl IntoIterator<Item = Node>) -> Node {
    index_of(Value::Null, children)
}

/// An index of these manifests, with annotations.
pub fn index_of(annotations: Value, children: impl IntoIterator<Item = Node>) -> Node {
    let children: Vec<_> = children.into_iter().collect();
    let media_type = "application/vnd.oci.image.index.v1+json";
    let mut value = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": children.iter().map(Node::descriptor).collect::<Vec<_>>(),
    });
    if !annotations.is_null() {
        value["annotations"] = annotations;
    }
    let mut made = node(Kind::Index, media_type, value.to_string().into());
    made.children = children;
    made
}

impl Node {
    /// Its digest.
    pub fn digest(&self) -> String {
        self.content.digest.clone()
    }

    /// For this platform, as the index above it will say.
    #[must_use]
    pub fn on(mut self, platform: &str) -> Self {
        let platform = Platform::parse(platform).expect("a platform");
        self.content.platform = Some(platform_to_contract(&platform));
        self
    }

    /// An attestation of that manifest, as the index above it will say.
    #[must_use]
    pub fn attests(self, subject: &Self) -> Self {
        let mut made = self.on("unknown/unknown").annotated(json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject.digest(),
        }));
        made.content.describes = Some(subject.digest());
        made
    }

    /// With annotations in the index above it.
    #[must_use]
    pub fn annotated(mut self, annotations: Value) -> Self {
        self.annotations = annotations;
        self
    }

    fn descriptor(&self) -> Value {
        let content = &self.content;
        let mut value = json!({
            "mediaType": content.media_type,
            "digest": content.digest,
            "size": content.size,
        });
        if let Some(platform) = &content.platform {
            value["platform"] = json!({
                "os": platform.os,
                "architecture": platform.architecture,
                "variant": platform.variant,
                "os.version": platform.os_version,
            });
        }
        if !self.annotations.is_null() {
            value["annotations"] = self.annotations.clone();
        }
        value
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
        let (digest, media_type) = (self.digest(), self.content.media_type.clone());
        let mut contents = Vec::new();
        STORAGE.with_borrow_mut(|storage| {
            self.add(&mut contents, &mut storage.blobs);
            storage.closures.insert(digest.clone(), contents.clone());
        });
        let platforms = contents
            .iter()
            .filter(|content| content.describes.is_none())
            .filter_map(|content| content.platform.clone())
            .filter(|platform| platform.os != "unknown")
            .collect();
        Image {
            tag: None,
            digest,
            media_type,
            size: contents.iter().map(|content| content.size).sum(),
            platforms,
        }
    }

    /// Adds itself and what is below to a closure; returns its position.
    fn add(self, contents: &mut Vec<Content>, blobs: &mut BTreeMap<String, Vec<u8>>) -> u32 {
        let known = contents
            .iter()
            .position(|content| content.digest == self.content.digest);
        let position = known.unwrap_or(contents.len());
        if known.is_none() {
            if let Some(bytes) = self.bytes {
                blobs.insert(self.content.digest.clone(), bytes);
            }
            contents.push(self.content);
            let children = self.children.into_iter();
            contents[position].children =
                children.map(|child| child.add(contents, blobs)).collect();
        }
        u32::try_from(position).expect("a small image")
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
