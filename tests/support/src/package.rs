//! A manifest together with everything behind it, held in memory.
//!
//! One value can be pushed to a registry, written straight into a storage, or laid out for
//! `skopeo copy`; a test knows from it what must come back.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::digest::{Descriptor, Digest};
use crate::registry::Registry;
use crate::storage::Storage;

/// A configuration, layer or any other content that is no manifest.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its descriptor in a manifest; may name it by sha512.
    pub descriptor: Descriptor,
    /// The bytes; none for a foreign layer that the registry lacks.
    pub bytes: Option<Arc<[u8]>>,
    /// Digest of the uncompressed bytes, for the configuration of an image.
    pub diff_id: Digest,
}

impl Piece {
    /// Content of some media type.
    pub fn new(media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let descriptor = Descriptor::of(&bytes).typed(media_type);
        let diff_id = descriptor.digest.clone();
        Self {
            descriptor,
            bytes: Some(bytes.into()),
            diff_id,
        }
    }

    /// This content with another media type.
    #[must_use]
    pub fn typed(mut self, media_type: &str) -> Self {
        self.descriptor = self.descriptor.typed(media_type);
        self
    }

    /// This content with further members in its descriptor.
    #[must_use]
    pub fn with(mut self, more: Value) -> Self {
        self.descriptor = self.descriptor.with(more);
        self
    }

    /// This content, named by sha512.
    #[must_use]
    pub fn by_sha512(mut self) -> Self {
        let bytes = self.bytes.as_deref().expect("bytes to hash");
        self.descriptor.digest = Digest::sha512_of(bytes);
        self
    }

    /// Not in any registry, but at a web address. Nothing ever answers at this one.
    #[must_use]
    pub fn elsewhere(mut self) -> Self {
        let url = format!("http://127.0.0.1:9/{}", self.descriptor.digest);
        self.bytes = None;
        self.with(json!({ "urls": [url] }))
    }

    /// Digest under which a storage keeps the bytes, whatever the manifest calls them.
    pub fn stored_as(&self) -> Option<Digest> {
        self.bytes.as_deref().map(Digest::of)
    }
}

/// A manifest or index with all its children and content.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its descriptor in an index.
    pub descriptor: Descriptor,
    /// The bytes that a storage keeps.
    pub bytes: Vec<u8>,
    /// The bytes that a client sends, where those are others: schema 1 travels with signatures.
    pub sent: Option<Vec<u8>>,
    /// Manifests that this index names.
    pub children: Vec<Package>,
    /// Content that this manifest names, doubled entries and all.
    pub pieces: Vec<Piece>,
}

impl Package {
    /// A manifest from its JSON; `config` and `layers` are members of it already.
    pub fn manifest(media_type: &str, value: &Value, pieces: Vec<Piece>) -> Self {
        Self::new(media_type, value, Vec::new(), pieces)
    }

    /// An index from its JSON; `manifests` is a member of it already.
    pub fn index(media_type: &str, value: &Value, children: Vec<Package>) -> Self {
        Self::new(media_type, value, children, Vec::new())
    }

    fn new(media_type: &str, value: &Value, children: Vec<Self>, pieces: Vec<Piece>) -> Self {
        // Indented, as most tools send manifests: a program that parses and writes them anew is found out.
        let bytes = serde_json::to_vec_pretty(value).expect("JSON of a manifest");
        let descriptor = Descriptor::of(&bytes).typed(media_type);
        Self {
            descriptor,
            bytes,
            sent: None,
            children,
            pieces,
        }
    }

    /// This manifest, described for a platform such as `linux/arm64`.
    #[must_use]
    pub fn on(mut self, platform: &str) -> Self {
        self.descriptor = self.descriptor.on(platform);
        self
    }

    /// This manifest with further members in its descriptor.
    #[must_use]
    pub fn with(mut self, more: Value) -> Self {
        self.descriptor = self.descriptor.with(more);
        self
    }

    /// Digest of this manifest.
    pub fn digest(&self) -> &Digest {
        &self.descriptor.digest
    }

    /// Every manifest of the closure, this one first; one behind two parents comes twice.
    pub fn manifests(&self) -> Vec<&Package> {
        let mut all = vec![self];
        for child in &self.children {
            all.extend(child.manifests());
        }
        all
    }

    /// All content of the closure, in the order of the manifests.
    pub fn contents(&self) -> Vec<&Piece> {
        self.manifests()
            .into_iter()
            .flat_map(|manifest| &manifest.pieces)
            .collect()
    }

    /// Pushes it over the HTTP API: content first, children by digest, itself by tag if there is one.
    pub fn push(
        &self,
        registry: &Registry,
        repository: &str,
        tag: Option<&str>,
    ) -> Result<(), String> {
        for piece in &self.pieces {
            let name = &piece.descriptor.digest;
            if let Some(bytes) = &piece.bytes
                && !registry.has_blob(repository, name)?
            {
                registry.put_blob(repository, name, bytes)?;
            }
        }
        for child in &self.children {
            child.push(registry, repository, None)?;
        }
        let body = self.sent.as_ref().unwrap_or(&self.bytes);
        let reference = tag.unwrap_or(self.digest().as_str());
        registry.put_manifest(repository, reference, &self.descriptor.media_type, body)
    }

    /// Writes it into a storage without a registry, links and all.
    pub fn store(&self, storage: &Storage, repository: &str, tag: Option<&str>) {
        storage.repository(repository);
        for piece in &self.pieces {
            if let (Some(bytes), Some(target)) = (&piece.bytes, piece.stored_as()) {
                storage.blob_as(&target, bytes);
                storage.layer_link(repository, &target);
                storage.layer_alias(repository, &piece.descriptor.digest, &target);
            }
        }
        for child in &self.children {
            child.store(storage, repository, None);
        }
        storage.manifest(repository, tag, &self.bytes);
    }
}
