//! A descriptor: what a manifest says of a blob or of another manifest.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::MapAccess;

use regcarve_types::{Digest, Platform};

use super::Problem;
use super::kind::is_not_distributed;
use super::read::{Notes, One, Record};
use super::values::{self, Annotations, Skipped, Texts};

/// The annotation by which a build tool says that a child of an index describes another one.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// Which one it describes.
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// Some content, as a manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What it is; empty if the manifest does not say.
    pub media_type: String,
    /// Which bytes it is.
    pub digest: Digest,
    /// How many bytes that are.
    pub size: u64,
    /// Where else it can be fetched.
    pub urls: Vec<String>,
    /// What it runs on. A platform that nobody could ask for, because it is not made of the
    /// characters of platforms, counts as none: a registry serves such a manifest all the same.
    /// Attestations usually say `unknown/unknown`.
    pub platform: Option<Platform>,
    /// Notes of whoever made it.
    pub annotations: BTreeMap<String, String>,
    /// What kind of artifact it is, if it is one.
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// Whether a registry may lack it, because it is fetched from somewhere else.
    pub fn is_foreign(&self) -> bool {
        !self.urls.is_empty() || is_not_distributed(&self.media_type)
    }

    /// The child of the same index that this one is an attestation for.
    pub fn attestation_for(&self) -> Option<Digest> {
        let kind = self.annotations.get(REFERENCE_TYPE)?;
        let digest = self.annotations.get(REFERENCE_DIGEST)?;
        if kind == "attestation-manifest" {
            Digest::parse(digest).ok()
        } else {
            None
        }
    }
}

/// A descriptor while it is read.
#[derive(Default)]
pub(super) struct DescriptorRecord {
    media_type: Option<String>,
    digest: Option<Digest>,
    size: Option<u64>,
    urls: Vec<String>,
    platform: Option<Platform>,
    annotations: BTreeMap<String, String>,
    artifact_type: Option<String>,
}

impl Record for DescriptorRecord {
    type Made = Descriptor;
    const NAME: &'static str = "a descriptor";
    const KNOWN: &'static [&'static str] = &[
        "mediaType",
        "digest",
        "size",
        "platform",
        "annotations",
        "urls",
        "artifactType",
        "data",
    ];

    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        key: &'static str,
        map: &mut A,
        notes: &Notes,
    ) -> Result<(), A::Error> {
        match key {
            "mediaType" => self.media_type = values::text(map)?.map(Into::into),
            "digest" => self.digest = values::digest(map, notes)?,
            "size" => self.size = values::size(map)?,
            "platform" => {
                self.platform = map
                    .next_value_seed(One::<PlatformRecord>::new(notes))?
                    .flatten();
            }
            "annotations" => self.annotations = map.next_value_seed(Annotations(notes))?,
            "urls" => self.urls = map.next_value_seed(Texts(notes))?,
            "artifactType" => self.artifact_type = values::text(map)?.map(Into::into),
            _ => {
                map.next_value::<Skipped>()?;
            }
        }
        Ok(())
    }

    fn make(self) -> Result<Descriptor, Problem> {
        Ok(Descriptor {
            media_type: self.media_type.unwrap_or_default(),
            digest: self.digest.ok_or(Problem::MissingKey("digest"))?,
            size: self.size.ok_or(Problem::MissingKey("size"))?,
            urls: self.urls,
            platform: self.platform,
            annotations: self.annotations,
            artifact_type: self.artifact_type,
        })
    }
}

/// A platform while it is read.
#[derive(Default)]
struct PlatformRecord {
    os: String,
    architecture: String,
    variant: String,
    os_version: String,
}

impl Record for PlatformRecord {
    type Made = Option<Platform>;
    const NAME: &'static str = "a platform";
    const KNOWN: &'static [&'static str] = &[
        "os",
        "architecture",
        "variant",
        "os.version",
        "os.features",
        "features",
    ];

    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        key: &'static str,
        map: &mut A,
        _: &Notes,
    ) -> Result<(), A::Error> {
        let field = match key {
            "os" => &mut self.os,
            "architecture" => &mut self.architecture,
            "variant" => &mut self.variant,
            "os.version" => &mut self.os_version,
            _ => {
                map.next_value::<Skipped>()?;
                return Ok(());
            }
        };
        *field = values::text(map)?.unwrap_or_default().into();
        Ok(())
    }

    fn make(self) -> Result<Self::Made, Problem> {
        let (variant, version) = (Some(&*self.variant), Some(&*self.os_version));
        Ok(Platform::new(&self.os, &self.architecture, variant, version).ok())
    }
}
