//! Test cases as files: images, and the decisions that a policy is expected to make on them.
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
//! All images of a case are one release: the policy sees them as in a run, repository by repository. `expect` has the form
//! of [`verdict`](super::verdict). An image is described in one of three ways:
//!
//! - by hand, for one platform: `config`, `annotations` of the manifest and sizes of `layers`, all optional;
//! - by hand, for several: `platforms`, with a config for each;
//! - recorded: `contents`, the closure as the contract has it, with the bytes that were read in the `blobs` of
//!   the case. A blob that is not there is `not-found` for the policy.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::BASE64;
use regcarve_formats::sample::{Entry, index, layer, manifest};
use regcarve_types::{Digest, Kind, Platform, Reference};
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::sample;
use crate::error::{Error, SystemContext as _};
use crate::fs::OsResultExt as _;
use crate::hash;
use crate::release::blob_table::BlobTable;
use crate::release::image::{ClosureEntry, Image};

/// The version of this format.
const SCHEMA: Version = Version::new(1, 0, 0);

/// A file of test cases for `regcarve policy test`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseFile {
    /// The version of this format. Within one major version fields are only added.
    schema: String,
    /// The policy: a shipped name, or the path of a component file relative to the folder of this file. `--policy` takes
    /// precedence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<String>,
    /// The cases.
    pub(super) cases: Vec<Case>,
}

/// One release, and the decisions expected on it.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// The subject of the case, in a few words.
    pub(super) name: String,
    /// The settings of the policy, as behind `=` on a command line.
    #[serde(default = "no_settings", skip_serializing_if = "is_without_settings")]
    pub(super) settings: Value,
    /// The policy is expected to refuse its settings, or to fail, with this text in its message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fails: Option<String>,
    /// The images.
    #[serde(default)]
    pub(super) images: Vec<CaseImage>,
    /// Manifests and configs by digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) blobs: BTreeMap<String, CaseBlob>,
}

/// An image, and the decision expected on it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct CaseImage {
    /// `name:tag`, or `name@digest` for an image without a tag.
    pub(super) reference: String,
    /// The config of an image for one platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config: Option<Value>,
    /// The annotations of its manifest.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    annotations: Map<String, Value>,
    /// The sizes of its layers in bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    layers: Vec<u64>,
    /// For an image for several platforms: the config of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    platforms: BTreeMap<String, Value>,
    /// The closure of a recorded image, the top first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contents: Vec<CaseContent>,
    /// The decision: `keep`, `keep-platforms`, `rename`, `drop`, `missing` or `rewrite`, with or without `: ` and details.
    /// Not needed where the case `fails`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expect: Option<String>,
}

/// An entry of a recorded closure.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct CaseContent {
    /// The purpose of the blob.
    kind: CaseKind,
    /// The digest of the blob.
    digest: String,
    /// The media type in the descriptor.
    media_type: String,
    /// The size in the descriptor.
    size: u64,
    /// The platform in the descriptor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    /// For an attestation: the manifest that it describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    describes: Option<String>,
    /// Positions of the blobs that it names, in the same closure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<u32>,
}

/// A [`Kind`], by its name in the contract.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", remote = "Kind")]
enum KindName {
    Index,
    Manifest,
    Config,
    Layer,
}

/// A [`Kind`] in a file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
struct CaseKind(
    #[serde(with = "KindName")]
    #[cfg_attr(test, schemars(with = "KindName"))]
    Kind,
);

/// The bytes of a blob: a text, or base64 where they are not UTF-8.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum CaseBlob {
    Text(String),
    Binary { base64: String },
}

fn no_settings() -> Value {
    Value::Object(Map::new())
}

fn is_without_settings(settings: &Value) -> bool {
    *settings == no_settings()
}

impl CaseFile {
    /// A file with these cases.
    pub(super) fn new(policy: Option<String>, cases: Vec<Case>) -> Self {
        Self {
            schema: SCHEMA.to_string(),
            policy,
            cases,
        }
    }

    /// Reads a file, and refuses what is not one of this version.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let bytes = std::fs::read(path)
            .during("open", path.display())
            .context("read the test cases")?;
        let refuse =
            |cause: String| Error::Usage(format!("cannot read the test cases in {shown}: {cause}"));
        let file: Self =
            serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        match Version::parse(&file.schema) {
            Ok(version) if version.major == SCHEMA.major => Ok(file),
            Ok(version) => Err(refuse(format!(
                "its schema is {version}; this regcarve reads {}.x",
                SCHEMA.major
            ))),
            Err(error) => Err(refuse(format!("its schema is not a version: {error}"))),
        }
    }
}

impl CaseImage {
    /// Records an image of a storage, and the decision on it.
    pub(super) fn recorded(image: &Image, blobs: &BlobTable, expect: String) -> Self {
        let recorded = |item: &ClosureEntry| CaseContent {
            kind: CaseKind(item.kind),
            digest: blobs.get(item.blob).digest.to_string(),
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

    /// Makes the image, and puts its blobs into the table. Errors are causes, without the image's name.
    pub(super) fn to_image(
        &self,
        bytes: &BTreeMap<Digest, Vec<u8>>,
        blobs: &mut BlobTable,
    ) -> Result<Image, String> {
        let reference = Reference::parse(&self.reference).map_err(|error| error.to_string())?;
        let image = sample::image(&reference, self.closure(bytes)?, blobs);
        match reference.digest() {
            Some(digest) if digest != image.digest => {
                Err(format!("its contents are those of {}", image.digest))
            }
            _ => Ok(image),
        }
    }

    /// The closure that the case describes in one of three ways.
    fn closure(&self, bytes: &BTreeMap<Digest, Vec<u8>>) -> Result<Vec<Entry>, String> {
        let by_hand =
            self.config.is_some() || !self.annotations.is_empty() || !self.layers.is_empty();
        match (by_hand, self.platforms.is_empty(), self.contents.as_slice()) {
            (false, true, [_, ..]) => {
                let entry = |content: &CaseContent| content.entry(bytes, self.contents.len());
                self.contents.iter().map(entry).collect()
            }
            (false, false, []) => self.multi_platform(),
            (_, true, []) => Ok(self.single_platform()),
            _ => Err(
                "it is described in several ways; choose `config`, `platforms` or `contents`"
                    .into(),
            ),
        }
    }

    fn single_platform(&self) -> Vec<Entry> {
        let default = json!({ "os": "linux", "architecture": "amd64" });
        let config = self.config.as_ref().unwrap_or(&default);
        let layers = self.layers.iter().enumerate();
        let layers = layers.map(|(number, size)| layer(&format!("{number}: {size}"), *size));
        manifest(config, self.annotations.clone(), layers).closure()
    }

    fn multi_platform(&self) -> Result<Vec<Entry>, String> {
        let manifests = self
            .platforms
            .iter()
            .map(|(name, config)| Ok(manifest(config, Map::new(), []).on(platform(name)?)));
        let manifests = manifests.collect::<Result<Vec<_>, String>>()?;
        Ok(index(Map::new(), manifests).closure())
    }
}

fn platform(name: &str) -> Result<Platform, String> {
    Platform::parse(name).map_err(|error| format!("the platform `{name}`: {error}"))
}

impl CaseContent {
    /// The entry, in a closure of `count` entries.
    fn entry(&self, bytes: &BTreeMap<Digest, Vec<u8>>, count: usize) -> Result<Entry, String> {
        let parse = |text: &str| Digest::parse(text).map_err(|error| format!("`{text}`: {error}"));
        let digest = parse(&self.digest)?;
        if let Some(child) = self.children.iter().find(|child| **child as usize >= count) {
            return Err(format!(
                "{digest} has the child {child}, of {count} contents"
            ));
        }
        Ok(Entry {
            digest,
            kind: self.kind.0,
            media_type: self.media_type.clone(),
            size: self.size,
            platform: self.platform.as_deref().map(platform).transpose()?,
            describes: self.describes.as_deref().map(parse).transpose()?,
            children: self.children.clone(),
            bytes: bytes.get(&digest).cloned(),
        })
    }
}

impl CaseBlob {
    /// Writes bytes in the form that people can read, where there is one.
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
                .map_err(|error| format!("it is not base64: {error}")),
        }
    }
}

impl Case {
    /// The bytes of the blobs, whose digests are checked.
    pub(super) fn blobs(&self) -> Result<BTreeMap<Digest, Vec<u8>>, String> {
        let checked = |(name, blob): (&String, &CaseBlob)| {
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
