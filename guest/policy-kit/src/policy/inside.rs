//! What is inside an image: the parts that run, with their manifests and configs.
//!
//! ```text
//!   index ──▶ linux/amd64 ──▶ config      part
//!     │  ──▶ linux/arm64 ──▶ config       part
//!     │  ──▶ attestation ──▶ config       (speaks of a part)
//!     └────▶ index ──▶ …                  its manifests are parts, too
//! ```
//!
//! An image that is no index is one part. Nothing is read before it is asked for.

use std::collections::BTreeMap;

use regcarve_formats::{ImageConfig, Manifest, ManifestType};
use regcarve_types::Platform;

use super::Image;
use super::content::{closure, explain, read_blob};
use super::created::{self, CREATED, Timestamp};
use crate::{Content, Kind};

/// The media types of the configs that images have; artifacts have others.
const IMAGE_CONFIGS: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

/// An image and everything that belongs to it.
#[derive(Debug)]
pub struct Inside {
    contents: Vec<Content>,
}

impl Inside {
    /// Asks the host what belongs to an image.
    pub fn of(image: &Image) -> Result<Self, String> {
        let contents = closure(&image.digest).map_err(|failure| explain(&failure))?;
        Ok(Self { contents })
    }

    /// Everything, the top first.
    pub fn contents(&self) -> &[Content] {
        &self.contents
    }

    /// The manifests that are no attestation. Without those that the source does not have: whether one of
    /// them is missed is the host's affair.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.contents
            .iter()
            .filter(|content| content.kind == Kind::Manifest && !content.children.is_empty())
            .filter(|content| content.describes.is_none() && !is_unknown(content))
            .map(|manifest| Part {
                manifest,
                contents: &self.contents,
            })
    }

    /// Reads what the index is annotated with that is the top; nothing where the top is a part itself.
    pub fn index_annotations(&self) -> Result<BTreeMap<String, String>, String> {
        match self.contents.first() {
            Some(top) if top.kind == Kind::Index => Ok(annotations(read_manifest(top)?)),
            _ => Ok(BTreeMap::new()),
        }
    }

    /// When it was made: when the newest part was. None where no part says so.
    pub fn created(&self) -> Result<Option<Timestamp>, String> {
        let mut newest = None;
        for part in self.parts() {
            newest = newest.max(part.created()?);
        }
        Ok(newest)
    }
}

/// Whether an index says `unknown/unknown` of a manifest, as it does of attestations.
fn is_unknown(content: &Content) -> bool {
    content
        .platform
        .as_ref()
        .is_some_and(|platform| platform.os == "unknown")
}

/// One manifest of an image.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The manifest.
    pub manifest: &'a Content,
    contents: &'a [Content],
}

impl<'a> Part<'a> {
    /// The blob that is its config; none in the first schema.
    pub fn config_blob(&self) -> Option<&'a Content> {
        let children = self.manifest.children.iter();
        children
            .filter_map(|child| self.contents.get(*child as usize))
            .find(|child| child.kind == Kind::Config)
    }

    /// Reads its config, if that is the config of an image; artifacts have others, which nobody reads.
    pub fn config(&self) -> Result<Option<ImageConfig>, String> {
        match self.config_blob() {
            Some(blob) if IMAGE_CONFIGS.contains(&blob.media_type.as_str()) => {
                // Some artifacts say that theirs is the config of an image.
                Ok(ImageConfig::parse(&read(blob, "config")?).ok())
            }
            _ => Ok(None),
        }
    }

    /// Reads its manifest.
    pub fn read_manifest(&self) -> Result<Manifest, String> {
        read_manifest(self.manifest)
    }

    /// Reads the labels in its config; an artifact has none.
    pub fn labels(&self) -> Result<BTreeMap<String, String>, String> {
        Ok(self.config()?.unwrap_or_default().labels)
    }

    /// Reads the annotations of its manifest.
    pub fn annotations(&self) -> Result<BTreeMap<String, String>, String> {
        Ok(annotations(self.read_manifest()?))
    }

    /// What it runs on: as the index says, else as its config says. None for an artifact.
    pub fn platform(&self) -> Result<Option<Platform>, String> {
        if let Some(named) = &self.manifest.platform {
            return Ok(platform(named));
        }
        if is_schema1(&self.manifest.media_type) {
            return match self.read_manifest()? {
                Manifest::Schema1(old) => Ok(old.architecture.and_then(|architecture| {
                    Platform::new("linux", &architecture, None, None).ok()
                })),
                _ => Ok(None),
            };
        }
        // Signatures and attestations have image configs, too, in which nothing is known.
        let stated = self.config()?.and_then(|config| config.platform());
        Ok(stated.filter(|on| on.os() != "unknown" && on.architecture() != "unknown"))
    }

    /// When it was made, as its config says, else as an annotation of its manifest says.
    pub fn created(&self) -> Result<Option<Timestamp>, String> {
        self.created_by(self.config()?.as_ref())
    }

    /// The same, for who has read its config already.
    pub fn created_by(&self, config: Option<&ImageConfig>) -> Result<Option<Timestamp>, String> {
        let stated = config.and_then(|config| config.created.as_deref());
        if let Some(time) = stated.and_then(created::parse) {
            return Ok(Some(time));
        }
        let annotations = self.annotations()?;
        Ok(annotations
            .get(CREATED)
            .and_then(|text| created::parse(text)))
    }
}

fn read_manifest(manifest: &Content) -> Result<Manifest, String> {
    Manifest::parse(&read(manifest, "manifest")?)
        .map_err(|error| format!("manifest {}: {error}", manifest.digest))
}

fn read(content: &Content, what: &str) -> Result<Vec<u8>, String> {
    read_blob(&content.digest)
        .map_err(|failure| format!("{what} {}: {}", content.digest, explain(&failure)))
}

/// Whether it is an image in the first schema, which has no config.
fn is_schema1(media_type: &str) -> bool {
    let known = ManifestType::from_media_type(media_type);
    matches!(
        known,
        Some(ManifestType::Schema1 | ManifestType::Schema1Signed)
    )
}

/// What a manifest is annotated with.
pub fn annotations(manifest: Manifest) -> BTreeMap<String, String> {
    match manifest {
        Manifest::Index(index) => index.annotations,
        Manifest::Image(image) => image.annotations,
        Manifest::Schema1(_) => BTreeMap::new(),
    }
}

/// Whether a top of this media type is an index.
pub fn is_index(media_type: &str) -> bool {
    let known = ManifestType::from_media_type(media_type);
    matches!(
        known,
        Some(ManifestType::OciIndex | ManifestType::DockerList)
    )
}

/// A platform in the form of the contract.
pub fn to_contract(platform: &Platform) -> crate::Platform {
    crate::Platform {
        os: platform.os().into(),
        architecture: platform.architecture().into(),
        variant: platform.variant().map(Into::into),
        os_version: platform.os_version().map(Into::into),
    }
}

/// A platform of the contract, if it is made of what platforms are made of.
pub fn platform(named: &crate::Platform) -> Option<Platform> {
    Platform::new(
        &named.os,
        &named.architecture,
        named.variant.as_deref(),
        named.os_version.as_deref(),
    )
    .ok()
}
