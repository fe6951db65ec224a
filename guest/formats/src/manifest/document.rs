//! The outermost object of a manifest, and the kind of manifest that it is.
//!
//! All kinds are read alike, because the key that tells them apart may come last. Then version,
//! media type and the keys that are there are held against each other. The media type decides;
//! where there is none, the keys do, as in the registry.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use regcarve_types::{Digest, Excerpt};

use super::descriptor::digest;
use super::media_type::Shape;
use super::strict::{Strict, Text, Unread};
use super::{Descriptor, Image, Index, Manifest, ManifestError, ManifestType, Schema1};

/// A manifest of any kind, before its kind is known.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "a manifest")]
pub(super) struct Document {
    schema_version: Option<u64>,
    #[serde(deserialize_with = "media_type")]
    media_type: Option<ManifestType>,
    artifact_type: Option<String>,
    /// `Some(None)` is `null`.
    #[serde(deserialize_with = "present")]
    manifests: Option<Option<Vec<Descriptor>>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: BTreeMap<String, String>,
    fs_layers: Option<Vec<FsLayer>>,
    history: Option<Vec<Unread>>,
    signatures: Vec<Unread>,
    architecture: Option<String>,
}

/// An element of `fsLayers`.
#[derive(Deserialize)]
#[serde(expecting = "a layer")]
struct FsLayer {
    #[serde(rename = "blobSum", deserialize_with = "digest")]
    blob_sum: Digest,
}

/// Reads a media type. Like Go, takes an empty one for none.
fn media_type<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ManifestType>, D::Error> {
    let Text(text) = Text::deserialize(from)?;
    let known = ManifestType::from_media_type(&text);
    if known.is_none() && !text.is_empty() {
        let unknown = Excerpt::of(&text);
        let message = format_args!("unrecognized manifest media type `{unknown}`");
        return Err(D::Error::custom(message));
    }
    Ok(known)
}

/// Reads the value of a key that was there, even if it is `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl Document {
    /// Reads the one object that `bytes` must be, with at most `most` elements in a list.
    pub(super) fn read(bytes: &[u8], most: usize) -> Result<Self, ManifestError> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        match Self::deserialize(Strict::new(&mut json, most)) {
            Ok(document) => match json.end() {
                Ok(()) => Ok(document),
                Err(error) => Err(ManifestError::json(&error)),
            },
            Err(_) => Err(Self::locate_error(bytes, most)),
        }
    }

    /// Reads once more what was refused, slower, to say where the error is.
    fn locate_error(bytes: &[u8], most: usize) -> ManifestError {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let read: Result<Self, _> = serde_path_to_error::deserialize(Strict::new(&mut json, most));
        match read {
            Err(error) => ManifestError::json_at(error.path(), error.inner()),
            // The first time it was refused, so this is never reached.
            Ok(_) => ManifestError::MissingKey("schemaVersion"),
        }
    }

    /// The manifest that this is; refused if readers would disagree.
    pub(super) fn classify(self) -> Result<Manifest, ManifestError> {
        let version = self.version()?;
        let shape = match self.media_type {
            Some(stated) if (stated.shape() == Shape::Schema1) != (version == 1) => {
                return Err(ManifestError::VersionOfType {
                    media_type: stated,
                    version,
                });
            }
            Some(stated) => stated.shape(),
            None if version == 1 => Shape::Schema1,
            // As in the registry: an index is what has children.
            None if self.has_manifests() => Shape::Index,
            None => Shape::Image,
        };
        match shape {
            Shape::Index => self.into_index().map(Manifest::Index),
            Shape::Image => self.into_image().map(Manifest::Image),
            Shape::Schema1 => self.into_schema1().map(Manifest::Schema1),
        }
    }

    /// The index that this is known to be.
    pub(super) fn classify_index(self) -> Result<Index, ManifestError> {
        match (self.version()?, self.media_type) {
            (2, None) => self.into_index(),
            (2, Some(stated)) if stated.shape() == Shape::Index => self.into_index(),
            (_, Some(other)) => Err(ManifestError::NotAnIndex(other)),
            (_, None) => Err(ManifestError::NotAnIndex(ManifestType::Schema1)),
        }
    }

    fn version(&self) -> Result<u64, ManifestError> {
        match self.schema_version {
            Some(version @ (1 | 2)) => Ok(version),
            Some(other) => Err(ManifestError::SchemaVersion(other)),
            None => Err(ManifestError::MissingKey("schemaVersion")),
        }
    }

    const fn has_manifests(&self) -> bool {
        matches!(self.manifests, Some(Some(_)))
    }

    /// Refuses the parts of all kinds of manifests but one.
    fn allow_only(&self, shape: Shape) -> Result<(), ManifestError> {
        let parts = [
            (Shape::Index, "manifests", self.has_manifests()),
            (Shape::Image, "config", self.config.is_some()),
            (Shape::Image, "layers", self.layers.is_some()),
            (Shape::Schema1, "fsLayers", self.fs_layers.is_some()),
            (Shape::Schema1, "history", self.history.is_some()),
        ];
        let present = |own: bool| {
            let mut parts = parts.iter();
            let found = parts.find(|(of, _, there)| *there && (*of == shape) == own);
            found.map(|(_, key, _)| *key)
        };
        match (present(true), present(false)) {
            (_, None) => Ok(()),
            (Some(own), Some(other)) => Err(ManifestError::Ambiguous(own, other)),
            (None, Some(key)) => Err(ManifestError::Disagrees {
                stated: match (self.media_type, shape) {
                    (Some(stated), _) => stated.as_str(),
                    (None, Shape::Schema1) => "schemaVersion 1",
                    (None, Shape::Index | Shape::Image) => "schemaVersion 2",
                },
                key,
            }),
        }
    }

    fn into_index(self) -> Result<Index, ManifestError> {
        self.allow_only(Shape::Index)?;
        let manifests = self.manifests;
        let manifests = manifests.ok_or(ManifestError::MissingKey("manifests"))?;
        Ok(Index {
            media_type: self.media_type.unwrap_or(ManifestType::OciIndex),
            media_type_stated: self.media_type.is_some(),
            manifests: manifests.unwrap_or_default(),
            subject: self.subject,
            annotations: self.annotations,
            artifact_type: self.artifact_type,
        })
    }

    fn into_image(self) -> Result<Image, ManifestError> {
        self.allow_only(Shape::Image)?;
        Ok(Image {
            media_type: self.media_type.unwrap_or(ManifestType::OciManifest),
            media_type_stated: self.media_type.is_some(),
            config: self.config.ok_or(ManifestError::MissingKey("config"))?,
            layers: self.layers.unwrap_or_default(),
            subject: self.subject,
            annotations: self.annotations,
            artifact_type: self.artifact_type,
        })
    }

    fn into_schema1(self) -> Result<Schema1, ManifestError> {
        self.allow_only(Shape::Schema1)?;
        let missing = ManifestError::MissingKey;
        let layers = self.fs_layers.ok_or(missing("fsLayers"))?;
        let history = self.history.ok_or(missing("history"))?;
        if layers.len() != history.len() {
            return Err(ManifestError::History {
                layers: layers.len(),
                history: history.len(),
            });
        }
        let signed = !self.signatures.is_empty();
        let usual = if signed {
            ManifestType::Schema1Signed
        } else {
            ManifestType::Schema1
        };
        Ok(Schema1 {
            media_type: self.media_type.unwrap_or(usual),
            layers: layers.iter().map(|layer| layer.blob_sum).collect(),
            architecture: self.architecture,
            signed,
        })
    }
}
