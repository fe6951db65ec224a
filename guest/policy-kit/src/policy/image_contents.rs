//! The contents of an image: its manifests for each platform, with their configs.
//!
//! ```text
//!   index ──▶ linux/amd64 ──▶ config      platform image
//!     │  ──▶ linux/arm64 ──▶ config       platform image
//!     │  ──▶ attestation ──▶ config       (describes one of them)
//!     └────▶ index ──▶ …                  its manifests are platform images, too
//! ```
//!
//! An image that is no index is one platform image. Blobs are read when they are asked for, not before.

use std::collections::BTreeMap;

use regcarve_formats::{ImageConfig, Manifest, ManifestType};
use regcarve_types::Platform;

use super::Image;
use super::content::{closure, explain, read_blob};
use super::created::{self, CREATED, Timestamp};
use crate::convert::platform_from_contract;
use crate::{Content, Kind};

/// An image and everything that belongs to it.
#[derive(Debug)]
pub struct ImageContents {
    entries: Vec<Content>,
}

impl ImageContents {
    /// Asks the host for the closure of an image.
    pub fn of(image: &Image) -> Result<Self, String> {
        let entries = closure(&image.digest).map_err(|failure| explain(&failure))?;
        Ok(Self { entries })
    }

    /// All entries of the closure, the top first.
    pub fn entries(&self) -> &[Content] {
        &self.entries
    }

    /// The manifests that are no attestation. Without those that the source does not have: the host
    /// decides if one of them counts as missing.
    pub fn platform_images(&self) -> impl Iterator<Item = PlatformImage<'_>> {
        self.entries
            .iter()
            .filter(|entry| entry.kind == Kind::Manifest && !entry.children.is_empty())
            .filter(|entry| entry.describes.is_none() && !is_unknown(entry))
            .map(|manifest| PlatformImage {
                manifest,
                entries: &self.entries,
            })
    }

    /// Reads the annotations of the index at the top; none where the top is a manifest.
    pub fn index_annotations(&self) -> Result<BTreeMap<String, String>, String> {
        match self.entries.first() {
            Some(top) if top.kind == Kind::Index => Ok(read_manifest(top)?.into_annotations()),
            _ => Ok(BTreeMap::new()),
        }
    }

    /// Reads the time of creation of the newest platform image. None where none of them states one.
    pub fn created(&self) -> Result<Option<Timestamp>, String> {
        let mut newest = None;
        for image in self.platform_images() {
            newest = newest.max(image.created()?);
        }
        Ok(newest)
    }
}

/// Returns true if an index names a manifest for `unknown/unknown`, as it does attestations.
fn is_unknown(entry: &Content) -> bool {
    let platform = entry.platform.as_ref();
    platform.is_some_and(|platform| platform.os == "unknown")
}

/// One manifest of an image: the image for one platform, or an artifact.
#[derive(Clone, Copy, Debug)]
pub struct PlatformImage<'a> {
    /// The manifest.
    pub manifest: &'a Content,
    entries: &'a [Content],
}

impl<'a> PlatformImage<'a> {
    /// The entry of the config; none in the first schema.
    pub fn config_entry(&self) -> Option<&'a Content> {
        let children = self.manifest.children.iter();
        children
            .filter_map(|child| self.entries.get(*child as usize))
            .find(|child| child.kind == Kind::Config)
    }

    /// Reads the config, if it is that of an image; artifacts have others, which are not read.
    pub fn config(&self) -> Result<Option<ImageConfig>, String> {
        match self.config_entry() {
            Some(entry) if ImageConfig::is_media_type(&entry.media_type) => {
                // Some artifacts say that theirs is the config of an image.
                Ok(ImageConfig::parse(&read(entry, "config")?).ok())
            }
            _ => Ok(None),
        }
    }

    /// Reads the manifest.
    pub fn read_manifest(&self) -> Result<Manifest, String> {
        read_manifest(self.manifest)
    }

    /// Reads the labels in the config; an artifact has none.
    pub fn labels(&self) -> Result<BTreeMap<String, String>, String> {
        Ok(self.config()?.unwrap_or_default().labels)
    }

    /// Reads the annotations of the manifest.
    pub fn annotations(&self) -> Result<BTreeMap<String, String>, String> {
        Ok(self.read_manifest()?.into_annotations())
    }

    /// Finds the platform: the one in the index, else the one in the config. None for an artifact.
    pub fn platform(&self) -> Result<Option<Platform>, String> {
        if let Some(stated) = &self.manifest.platform {
            return Ok(platform_from_contract(stated));
        }
        let known = ManifestType::from_media_type(&self.manifest.media_type);
        if known.is_some_and(ManifestType::is_schema1) {
            return match self.read_manifest()? {
                Manifest::Schema1(old) => Ok(old.architecture.and_then(|architecture| {
                    Platform::new("linux", &architecture, None, None).ok()
                })),
                _ => Ok(None),
            };
        }
        // Signatures and attestations have image configs, too, with unknown platforms.
        let stated = self.config()?.and_then(|config| config.platform());
        Ok(stated.filter(|on| !on.is_unknown() && on.architecture() != "unknown"))
    }

    /// Reads the time of creation in the config, else in an annotation of the manifest.
    pub fn created(&self) -> Result<Option<Timestamp>, String> {
        self.created_with(self.config()?.as_ref())
    }

    /// Like [`Self::created`], with a config that has been read already.
    pub fn created_with(&self, config: Option<&ImageConfig>) -> Result<Option<Timestamp>, String> {
        let stated = config.and_then(|config| config.created.as_deref());
        if let Some(time) = stated.and_then(created::parse) {
            return Ok(Some(time));
        }
        let annotations = self.annotations()?;
        let stated = annotations.get(CREATED);
        Ok(stated.and_then(|text| created::parse(text)))
    }
}

fn read_manifest(entry: &Content) -> Result<Manifest, String> {
    Manifest::parse(&read(entry, "manifest")?)
        .map_err(|error| format!("manifest {}: {error}", entry.digest))
}

fn read(entry: &Content, kind: &str) -> Result<Vec<u8>, String> {
    read_blob(&entry.digest)
        .map_err(|failure| format!("{kind} {}: {}", entry.digest, explain(&failure)))
}
