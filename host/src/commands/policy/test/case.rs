//! Cases as files: images, and what a policy is expected to decide on them.
//!
//! ```json
//! {
//!   "schema": "1.0.0",
//!   "policy": "../owned_images.wasm",
//!   "cases": [
//!     {
//!       "name": "snapshots are not released",
//!       "settings": { "label": "team" },
//!       "images": [
//!         { "reference": "team/app:v1-dirty", "expect": "drop: `v1-dirty` is a snapshot" },
//!         { "reference": "team/app:v1", "config": { "config": { "Labels": { "team": "search" } } }, "expect": "keep" }
//!       ]
//!     },
//!     { "name": "a misspelt setting", "settings": { "lable": "team" }, "fails": "/lable" }
//!   ]
//! }
//! ```
//!
//! All images of a case are one release: the policy sees them as in a run, repository by repository. `expect` is what
//! [`verdict`](super::verdict) writes: a word, and behind `: ` what comes with it; the word alone leaves that
//! open. An image says what it is in one of three ways:
//!
//! - by hand, for one platform: `config`, `annotations` of the manifest and sizes of `layers`, all optional;
//! - by hand, for several: `platforms`, with a config for each;
//! - recorded: `contents`, the closure as the contract has it, with the bytes that were read in the `blobs` of
//!   the case. What is not there is `not-found` for the policy.
//!
//! `schema` is a semantic version. Within one major version fields are only added.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::BASE64;
use regcarve_types::{Digest, Platform, Reference};
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::sample::{self, Piece};
use crate::error::Error;
use crate::fs::OsError;
use crate::hash;
use crate::release::blob_table::BlobTable;
use crate::release::image::{Image, Kind};

/// The version of this format.
const SCHEMA: Version = Version::new(1, 0, 0);

/// A file of cases.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// See [`SCHEMA`].
    schema: String,
    /// A shipped name, or the path of a component, seen from the folder of this file. `--policy` goes before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<String>,
    pub(super) cases: Vec<Case>,
}

/// One release, and what becomes of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What it shows, in a few words.
    pub(super) name: String,
    /// What a user would write behind `=`.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub(super) settings: Value,
    /// The policy is expected to refuse its settings, or to give up, with this text in its message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fails: Option<String>,
    #[serde(default)]
    pub(super) images: Vec<CaseImage>,
    /// Manifests and configs by digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) blobs: BTreeMap<String, Blob>,
}

/// An image, and what becomes of it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseImage {
    /// `name:tag`, or `name@digest` for one without a tag.
    pub(super) reference: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config: Option<Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    annotations: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    layers: Vec<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    platforms: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contents: Vec<CaseContent>,
    /// Not needed where the case `fails`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expect: Option<String>,
}

/// A piece of a recorded closure.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseContent {
    kind: CaseKind,
    digest: String,
    media_type: String,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    describes: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<u32>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", remote = "Kind")]
enum KindName {
    Index,
    Manifest,
    Config,
    Layer,
}

/// [`Kind`], by its name in the contract.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
struct CaseKind(#[serde(with = "KindName")] Kind);

/// Bytes, in the form that people can read where there is one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Blob {
    Text(String),
    Binary { base64: String },
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

fn is_nothing(settings: &Value) -> bool {
    *settings == nothing()
}

impl File {
    /// A file with these cases.
    pub(super) fn new(policy: Option<String>, cases: Vec<Case>) -> Self {
        Self {
            schema: SCHEMA.to_string(),
            policy,
            cases,
        }
    }

    /// Reads a file; everything that is wrong in it is named before any case is run.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|error| OsError::from_io("open", shown.as_str(), &error))
            .map_err(Error::system("read the cases"))?;
        let wrong = |what: String| Error::Usage(format!("{shown} is no file of cases: {what}"));
        let file: Self =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        match Version::parse(&file.schema) {
            Ok(version) if version.major == SCHEMA.major => Ok(file),
            Ok(version) => Err(wrong(format!(
                "its schema is {version}; this regcarve reads {}.x",
                SCHEMA.major
            ))),
            Err(error) => Err(wrong(format!("its schema is no version: {error}"))),
        }
    }
}

impl CaseImage {
    /// An image as it is in a storage.
    pub(super) fn recorded(image: &Image, contents: &BlobTable, expect: String) -> Self {
        let recorded = |item: &crate::release::image::ClosureEntry| CaseContent {
            kind: CaseKind(item.kind),
            digest: contents.get(item.blob).digest.to_string(),
            media_type: item.media_type.to_string(),
            size: item.size,
            platform: item.platform.as_ref().map(ToString::to_string),
            describes: item.describes.as_ref().map(ToString::to_string),
            children: item.children.to_vec(),
        };
        Self {
            reference: image.reference(),
            contents: image.entries.iter().map(recorded).collect(),
            expect: Some(expect),
            ..Self::default()
        }
    }

    /// The image as the pipeline knows it; its contents go into the table. Errors are texts about this image.
    pub(super) fn to_image(
        &self,
        blobs: &BTreeMap<Digest, Vec<u8>>,
        contents: &mut BlobTable,
    ) -> Result<Image, String> {
        let reference = Reference::parse(&self.reference).map_err(|error| error.to_string())?;
        let by_hand =
            self.config.is_some() || !self.annotations.is_empty() || !self.layers.is_empty();
        let ways = [
            by_hand,
            !self.platforms.is_empty(),
            !self.contents.is_empty(),
        ];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err(
                "it is described twice: by `config`, by `platforms` or by `contents`".into(),
            );
        }
        let closure = if !self.contents.is_empty() {
            self.contents
                .iter()
                .map(|content| content.piece(blobs, self.contents.len()))
                .collect::<Result<_, _>>()?
        } else if !self.platforms.is_empty() {
            let parsed = |(name, config): (&String, &Value)| {
                let platform = Platform::parse(name)
                    .map_err(|error| format!("the platform `{name}`: {error}"))?;
                Ok((platform, config.clone()))
            };
            let platforms = self
                .platforms
                .iter()
                .map(parsed)
                .collect::<Result<_, String>>()?;
            sample::index(platforms)
        } else {
            sample::manifest(self.config.clone(), self.annotations.clone(), &self.layers)
        };
        let image = sample::image(&reference, closure, contents);
        match reference.digest() {
            Some(digest) if digest != image.digest => {
                Err(format!("its contents are those of {}", image.digest))
            }
            _ => Ok(image),
        }
    }
}

impl CaseContent {
    fn piece(&self, blobs: &BTreeMap<Digest, Vec<u8>>, count: usize) -> Result<Piece, String> {
        let parse = |text: &str| Digest::parse(text).map_err(|error| format!("`{text}`: {error}"));
        let digest = parse(&self.digest)?;
        if let Some(child) = self.children.iter().find(|child| **child as usize >= count) {
            return Err(format!(
                "{digest} has the child {child}, of {count} contents"
            ));
        }
        let platform = self.platform.as_deref().map(|name| {
            Platform::parse(name).map_err(|error| format!("the platform `{name}`: {error}"))
        });
        Ok(Piece {
            digest,
            kind: self.kind.0,
            media_type: self.media_type.clone(),
            size: self.size,
            platform: platform.transpose()?,
            describes: self.describes.as_deref().map(parse).transpose()?,
            children: self.children.clone(),
            bytes: blobs.get(&digest).cloned(),
        })
    }
}

impl Blob {
    /// The form for some bytes.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Binary {
                base64: BASE64.encode(error.as_bytes()),
            },
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Binary { base64 } => BASE64
                .decode(base64.as_bytes())
                .map_err(|error| format!("no base64: {error}")),
        }
    }
}

impl Case {
    /// The bytes of its blobs, each proved to have its digest.
    pub(super) fn blobs(&self) -> Result<BTreeMap<Digest, Vec<u8>>, String> {
        let checked = |(name, blob): (&String, &Blob)| {
            let digest =
                Digest::parse(name).map_err(|error| format!("the blob `{name}`: {error}"))?;
            let bytes = blob
                .bytes()
                .map_err(|error| format!("the blob {name}: {error}"))?;
            let found = hash::digest(digest.algorithm(), &bytes);
            if found != digest {
                return Err(format!("the blob {name} has the digest {found}"));
            }
            Ok((digest, bytes))
        };
        self.blobs.iter().map(checked).collect()
    }
}
