//! Which kind of manifest a document is.
//!
//! Version, media type and the keys that were there are held against each other. The media type
//! decides; where there is none, the keys do, as in the registry.

use super::Document;
use crate::manifest::kind::Shape;
use crate::manifest::{Image, Index, Manifest, ManifestType, Problem, Schema1};

impl Document {
    /// Decides what this is, or refuses it if that is open to opinion.
    pub(in crate::manifest) fn classify(self) -> Result<Manifest, Problem> {
        let version = self.version()?;
        let shape = match self.media_type {
            Some(stated) if (stated.shape() == Shape::Schema1) != (version == 1) => {
                return Err(Problem::VersionOfType {
                    media_type: stated,
                    version,
                });
            }
            Some(stated) => stated.shape(),
            None if version == 1 => Shape::Schema1,
            // What the registry does: an index is what has children.
            None if matches!(self.manifests, Some(Some(_))) => Shape::Index,
            None => Shape::Image,
        };
        match shape {
            Shape::Index => self.into_index().map(Manifest::Index),
            Shape::Image => self.into_image().map(Manifest::Image),
            Shape::Schema1 => self.into_schema1().map(Manifest::Schema1),
        }
    }

    fn version(&self) -> Result<u64, Problem> {
        match self.schema_version {
            Some(version @ (1 | 2)) => Ok(version),
            Some(other) => Err(Problem::SchemaVersion(other)),
            None => Err(Problem::MissingKey("schemaVersion")),
        }
    }

    /// Refuses the parts of all kinds of manifests but one.
    fn allow_only(&self, shape: Shape) -> Result<(), Problem> {
        let parts = [
            (
                Shape::Index,
                "manifests",
                matches!(self.manifests, Some(Some(_))),
            ),
            (Shape::Image, "config", self.config.is_some()),
            (Shape::Image, "layers", matches!(self.layers, Some(Some(_)))),
            (
                Shape::Schema1,
                "fsLayers",
                matches!(self.fs_layers, Some(Some(_))),
            ),
            (Shape::Schema1, "history", self.history.is_some()),
        ];
        let present = |own: bool| {
            parts
                .iter()
                .find(|(of, _, there)| *there && (*of == shape) == own)
                .map(|(_, key, _)| *key)
        };
        match (present(true), present(false), self.media_type) {
            (_, None, _) => Ok(()),
            (Some(own), Some(other), _) => Err(Problem::Ambiguous(own, other)),
            (None, Some(key), Some(stated)) => Err(Problem::Disagrees {
                stated: stated.as_str(),
                key,
            }),
            (None, Some(key), None) => Err(Problem::Disagrees {
                stated: match shape {
                    Shape::Schema1 => "schemaVersion 1",
                    Shape::Index | Shape::Image => "schemaVersion 2",
                },
                key,
            }),
        }
    }

    /// What [`Self::classify`] does, for those who know that this is an index.
    pub(in crate::manifest) fn classify_index(self) -> Result<Index, Problem> {
        match (self.version()?, self.media_type) {
            (2, None) => self.into_index(),
            (2, Some(stated)) if stated.shape() == Shape::Index => self.into_index(),
            (_, Some(other)) => Err(Problem::NotAnIndex(other)),
            (_, None) => Err(Problem::NotAnIndex(ManifestType::Schema1)),
        }
    }

    fn into_index(self) -> Result<Index, Problem> {
        self.allow_only(Shape::Index)?;
        let manifests = self.manifests.ok_or(Problem::MissingKey("manifests"))?;
        Ok(Index {
            media_type: self.media_type.unwrap_or(ManifestType::OciIndex),
            media_type_stated: self.media_type.is_some(),
            manifests: manifests.unwrap_or_default(),
            subject: self.subject,
            annotations: self.annotations,
            artifact_type: self.artifact_type,
        })
    }

    fn into_image(self) -> Result<Image, Problem> {
        self.allow_only(Shape::Image)?;
        Ok(Image {
            media_type: self.media_type.unwrap_or(ManifestType::OciManifest),
            media_type_stated: self.media_type.is_some(),
            config: self.config.ok_or(Problem::MissingKey("config"))?,
            layers: self.layers.flatten().unwrap_or_default(),
            subject: self.subject,
            annotations: self.annotations,
            artifact_type: self.artifact_type,
        })
    }

    fn into_schema1(self) -> Result<Schema1, Problem> {
        self.allow_only(Shape::Schema1)?;
        let layers = self.fs_layers.flatten();
        let layers = layers.ok_or(Problem::MissingKey("fsLayers"))?;
        let history = self.history.ok_or(Problem::MissingKey("history"))?;
        if layers.len() != history {
            return Err(Problem::History {
                layers: layers.len(),
                history,
            });
        }
        let signed = self.signatures.is_some_and(|count| count > 0);
        let usual = if signed {
            ManifestType::Schema1Signed
        } else {
            ManifestType::Schema1
        };
        Ok(Schema1 {
            media_type: self.media_type.unwrap_or(usual),
            layers,
            architecture: self.architecture,
            signed,
        })
    }
}
