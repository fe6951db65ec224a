//! Images that nobody pushed: for measurements, and for cases that an author writes by hand.

use std::sync::Arc;

use regcarve_types::{Algorithm, Digest, Platform, Reference};
use serde_json::{Map, Value, json};

use crate::hash;
use crate::release::blob_table::{Blob, BlobState, BlobTable};
use crate::release::image::{ClosureEntry, Image, Kind};
use crate::release::request::Origin;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A piece of content in a closure.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) digest: Digest,
    pub(super) kind: Kind,
    pub(super) media_type: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) platform: Option<Platform>,
    pub(super) describes: Option<Digest>,
    /// Positions in the same closure.
    pub(super) children: Vec<u32>,
    /// What a policy may read.
    pub(super) bytes: Option<Vec<u8>>,
}

/// A piece with all that it names.
struct Node {
    piece: Piece,
    children: Vec<Node>,
}

impl Node {
    fn new(kind: Kind, media_type: &str, bytes: Vec<u8>) -> Self {
        let piece = Piece {
            digest: hash::digest(Algorithm::Sha256, &bytes),
            kind,
            media_type: media_type.into(),
            size: bytes.len() as u64,
            platform: None,
            describes: None,
            children: Vec::new(),
            bytes: Some(bytes),
        };
        Self {
            piece,
            children: Vec::new(),
        }
    }

    fn descriptor(&self) -> Value {
        let piece = &self.piece;
        let mut value = json!({
            "mediaType": piece.media_type,
            "digest": piece.digest.to_string(),
            "size": piece.size,
        });
        if let Some(platform) = &piece.platform {
            value["platform"] =
                json!({ "os": platform.os(), "architecture": platform.architecture() });
            if let Some(variant) = platform.variant() {
                value["platform"]["variant"] = variant.into();
            }
            if let Some(version) = platform.os_version() {
                value["platform"]["os.version"] = version.into();
            }
        }
        value
    }

    /// Adds itself and what is below to a closure, each digest once; returns its position.
    fn add(self, closure: &mut Vec<Piece>) -> u32 {
        let known = closure
            .iter()
            .position(|piece| piece.digest == self.piece.digest);
        let position = known.unwrap_or(closure.len());
        if known.is_none() {
            closure.push(self.piece);
            closure[position].children = self
                .children
                .into_iter()
                .map(|child| child.add(closure))
                .collect();
        }
        // A handful of pieces.
        u32::try_from(position).unwrap_or(u32::MAX)
    }

    fn closure(self) -> Vec<Piece> {
        let mut closure = Vec::new();
        self.add(&mut closure);
        closure
    }
}

/// The closure of an image for one platform, with layers of these sizes.
pub(super) fn manifest(
    config: Option<Value>,
    annotations: Map<String, Value>,
    layers: &[u64],
) -> Vec<Piece> {
    let config = config.unwrap_or_else(|| json!({ "os": "linux", "architecture": "amd64" }));
    manifest_node(&config, annotations, layers).closure()
}

fn manifest_node(config: &Value, annotations: Map<String, Value>, layers: &[u64]) -> Node {
    let mut children = vec![Node::new(
        Kind::Config,
        CONFIG,
        config.to_string().into_bytes(),
    )];
    children.extend(layers.iter().enumerate().map(|(number, size)| {
        // Nobody reads layers, so any bytes tell them apart.
        let mut layer = Node::new(Kind::Layer, LAYER, format!("{number}: {size}").into_bytes());
        layer.piece.size = *size;
        layer.piece.bytes = None;
        layer
    }));
    let descriptors: Vec<_> = children.iter().map(Node::descriptor).collect();
    let mut value = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptors[0],
        "layers": descriptors[1..],
    });
    if !annotations.is_empty() {
        value["annotations"] = annotations.into();
    }
    let mut node = Node::new(Kind::Manifest, MANIFEST, value.to_string().into_bytes());
    node.children = children;
    node
}

/// The closure of an image for several platforms, with a config for each.
pub(super) fn index(platforms: Vec<(Platform, Value)>) -> Vec<Piece> {
    let children: Vec<_> = platforms
        .into_iter()
        .map(|(platform, config)| {
            let mut node = manifest_node(&config, Map::new(), &[]);
            node.piece.platform = Some(platform);
            node
        })
        .collect();
    let manifests: Vec<_> = children.iter().map(Node::descriptor).collect();
    let value = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    let mut node = Node::new(Kind::Index, INDEX, value.to_string().into_bytes());
    node.children = children;
    node.closure()
}

/// Makes an image of a closure, and puts what it consists of into the table.
pub(super) fn image(reference: &Reference, closure: Vec<Piece>, contents: &mut BlobTable) -> Image {
    let digest = closure[0].digest;
    let items: Vec<_> = closure
        .into_iter()
        .map(|piece| item(piece, contents))
        .collect();
    Image {
        repository: Arc::new(reference.repository().clone()),
        tag: reference.tag().cloned(),
        digest,
        size: items.iter().map(|item| item.size).sum(),
        entries: items,
        origin: Origin::Flag("case"),
        subject: None,
    }
}

fn item(piece: Piece, contents: &mut BlobTable) -> ClosureEntry {
    let content = contents.find(&piece.digest).unwrap_or_else(|| {
        contents.add(Blob {
            digest: piece.digest,
            path: "".into(),
            state: piece.bytes.map_or(BlobState::Absent, BlobState::Made),
            verified: true,
            file: None,
        })
    });
    ClosureEntry {
        blob: content,
        kind: piece.kind,
        media_type: piece.media_type.into(),
        platform: piece.platform.map(Arc::new),
        describes: piece.describes.map(Box::new),
        optional: false,
        size: piece.size,
        children: piece.children.into(),
    }
}
