//! Sample images: for tests of policies, for test cases that an author writes by hand, and for measurements.
//!
//! ```text
//!   index([manifest(…).on(linux/amd64), manifest(…).on(linux/arm64)])      a tree of nodes
//!                  │ closure()
//!                  ▼
//!   index, manifest, config, layer, manifest, config                       each digest once, the top first
//! ```
//!
//! Manifests and configs have their bytes; of a layer there is only the size.

use std::string::{String, ToString as _};
use std::vec::Vec;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use regcarve_types::{Digest, Kind, Platform};

use crate::ManifestType;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A blob in the closure of a sample image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The digest of the blob.
    pub digest: Digest,
    /// The purpose of the blob.
    pub kind: Kind,
    /// The media type in the descriptor.
    pub media_type: String,
    /// The size in the descriptor.
    pub size: u64,
    /// The platform in the descriptor.
    pub platform: Option<Platform>,
    /// For an attestation: the manifest that it describes.
    pub describes: Option<Digest>,
    /// Positions in the same closure.
    pub children: Vec<u32>,
    /// The bytes; none for a layer.
    pub bytes: Option<Vec<u8>>,
}

/// A blob with everything below it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Without children.
    entry: Entry,
    /// Annotations of the descriptor.
    annotations: Map<String, Value>,
    children: Vec<Self>,
}

/// The sha256 of some bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest::sha256(Sha256::digest(bytes).into())
}

/// A layer of some size. Two of one name are the same blob.
pub fn layer(name: &str, size: u64) -> Node {
    let mut layer = Node::new(Kind::Layer, LAYER, name.into());
    layer.entry.size = size;
    layer.entry.bytes = None;
    layer
}

/// An image for one platform.
pub fn manifest(
    config: &Value,
    annotations: Map<String, Value>,
    layers: impl IntoIterator<Item = Node>,
) -> Node {
    artifact(CONFIG, config, annotations, layers)
}

/// A manifest with a config of any media type.
pub fn artifact(
    config_type: &str,
    config: &Value,
    annotations: Map<String, Value>,
    layers: impl IntoIterator<Item = Node>,
) -> Node {
    let config = Node::new(Kind::Config, config_type, config.to_string().into());
    let layers: Vec<_> = layers.into_iter().collect();
    let value = json!({
        "config": config.descriptor(),
        "layers": layers.iter().map(Node::descriptor).collect::<Vec<_>>(),
    });
    let mut manifest = Node::manifest(
        Kind::Manifest,
        ManifestType::OciManifest,
        value,
        annotations,
    );
    manifest.children.push(config);
    manifest.children.extend(layers);
    manifest
}

/// An image for several platforms: an index of manifests.
pub fn index(annotations: Map<String, Value>, manifests: impl IntoIterator<Item = Node>) -> Node {
    let children: Vec<_> = manifests.into_iter().collect();
    let value = json!({ "manifests": children.iter().map(Node::descriptor).collect::<Vec<_>>() });
    let mut index = Node::manifest(Kind::Index, ManifestType::OciIndex, value, annotations);
    index.children = children;
    index
}

impl Node {
    fn new(kind: Kind, media_type: &str, bytes: Vec<u8>) -> Self {
        Self {
            entry: Entry {
                digest: digest(&bytes),
                kind,
                media_type: media_type.into(),
                size: bytes.len() as u64,
                platform: None,
                describes: None,
                children: Vec::new(),
                bytes: Some(bytes),
            },
            annotations: Map::new(),
            children: Vec::new(),
        }
    }

    fn manifest(
        kind: Kind,
        media_type: ManifestType,
        mut value: Value,
        annotations: Map<String, Value>,
    ) -> Self {
        value["schemaVersion"] = 2.into();
        value["mediaType"] = media_type.as_str().into();
        if !annotations.is_empty() {
            value["annotations"] = annotations.into();
        }
        Self::new(kind, media_type.as_str(), value.to_string().into())
    }

    /// The digest of the blob.
    pub fn digest(&self) -> Digest {
        self.entry.digest
    }

    /// Gives it a platform, which the index above it will state.
    #[must_use]
    pub fn on(mut self, platform: Platform) -> Self {
        self.entry.platform = Some(platform);
        self
    }

    /// Gives it annotations, which the index above it will state.
    #[must_use]
    pub fn annotated(mut self, annotations: Map<String, Value>) -> Self {
        self.annotations = annotations;
        self
    }

    /// Makes it an attestation of another child of the index above it, as build tools do.
    #[must_use]
    pub fn attests(mut self, subject: &Self) -> Self {
        let annotation = |name: &str, value: String| (name.into(), value.into());
        self.annotations = Map::from_iter([
            annotation("vnd.docker.reference.type", "attestation-manifest".into()),
            annotation("vnd.docker.reference.digest", subject.digest().to_string()),
        ]);
        self.entry.describes = Some(subject.digest());
        self.entry.platform = Some(Platform::unknown());
        self
    }

    /// The descriptor by which a manifest names this blob.
    fn descriptor(&self) -> Value {
        let entry = &self.entry;
        let mut value = json!({
            "mediaType": entry.media_type,
            "digest": entry.digest.to_string(),
            "size": entry.size,
        });
        if let Some(platform) = &entry.platform {
            value["platform"] =
                json!({ "os": platform.os(), "architecture": platform.architecture() });
            for (name, part) in [
                ("variant", platform.variant()),
                ("os.version", platform.os_version()),
            ] {
                if let Some(part) = part {
                    value["platform"][name] = part.into();
                }
            }
        }
        if !self.annotations.is_empty() {
            value["annotations"] = self.annotations.clone().into();
        }
        value
    }

    /// The closure of this node: each digest once, the node itself first.
    pub fn closure(self) -> Vec<Entry> {
        let mut closure = Vec::new();
        self.add(&mut closure);
        closure
    }

    /// Adds itself and what is below to a closure; returns its position.
    fn add(self, closure: &mut Vec<Entry>) -> u32 {
        let known = closure
            .iter()
            .position(|entry| entry.digest == self.entry.digest);
        let position = known.unwrap_or(closure.len());
        if known.is_none() {
            closure.push(self.entry);
            let children = self.children.into_iter();
            closure[position].children = children.map(|child| child.add(closure)).collect();
        }
        // A handful of entries.
        u32::try_from(position).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{Kind, index, layer, manifest};
    use crate::Manifest;

    #[test]
    fn sample_manifests_are_manifests() {
        let config = json!({ "os": "linux" });
        let made = manifest(&config, Map::new(), [layer("base", 10), layer("top", 20)]);
        let attestation = manifest(&json!({}), Map::new(), [layer("base", 10)]).attests(&made);
        let windows = "windows(10.0)/amd64".parse().unwrap();
        let annotations = Map::from_iter([("a".to_owned(), Value::from("b"))]);
        let (child, other) = (made.digest(), attestation.digest());
        let closure = index(annotations, [made.on(windows), attestation]).closure();

        let kinds: Vec<_> = closure.iter().map(|entry| entry.kind).collect();
        use Kind::{Config, Index, Layer, Manifest as Image};
        assert_eq!(kinds, [Index, Image, Config, Layer, Layer, Image, Config]);
        assert_eq!(closure[0].children, [1, 5]);
        assert_eq!(closure[5].children, [6, 3], "a shared layer is there once");
        assert_eq!((closure[3].size, &closure[3].bytes), (10, &None));

        let Ok(Manifest::Index(top)) = Manifest::parse(closure[0].bytes.as_ref().unwrap()) else {
            panic!("not an index");
        };
        assert_eq!(top.annotations["a"], "b");
        assert_eq!(top.manifests[0].digest, child);
        assert_eq!(
            top.manifests[0].platform.as_ref().unwrap().to_string(),
            "windows(10.0)/amd64"
        );
        assert_eq!(top.manifests[1].digest, other);
        assert_eq!(top.manifests[1].attestation_for(), Some(child));
        let Ok(Manifest::Image(image)) = Manifest::parse(closure[1].bytes.as_ref().unwrap()) else {
            panic!("not a manifest");
        };
        assert_eq!(image.layers.len(), 2);
    }
}
