//! Descriptors: how manifests name blobs and other manifests.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use regcarve_types::{Digest, Platform};

use super::strict::{Text, Unread};

/// The annotation by which a build tool says that a child of an index describes another one.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// The annotation with the digest of the described child.
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// A blob or another manifest, as a manifest names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a descriptor")]
pub struct Descriptor {
    /// The media type; empty if the manifest does not say.
    #[serde(default)]
    pub media_type: String,
    /// The digest of the content.
    #[serde(deserialize_with = "digest")]
    pub digest: Digest,
    /// The length of the content in bytes.
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// Addresses from which the content can be fetched as well.
    #[serde(default)]
    pub urls: Vec<String>,
    /// The platform of an image. One that cannot be asked for, because it is not made of the
    /// characters of platforms, counts as none: a registry serves such a manifest all the same.
    /// Attestations usually say `unknown/unknown`.
    #[serde(default, deserialize_with = "platform")]
    pub platform: Option<Platform>,
    /// Annotations, by key.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// The kind of an artifact.
    #[serde(default)]
    pub artifact_type: Option<String>,
    /// The content itself, which is read from its blob instead.
    #[serde(default)]
    pub(super) data: Unread,
}

impl Descriptor {
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

/// Reads a digest.
pub(super) fn digest<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
    let Text(text) = Text::deserialize(from)?;
    Digest::parse(&text).map_err(D::Error::custom)
}

/// Reads a number that is not negative and that readers with signed numbers can hold too.
fn size<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let size = u64::deserialize(from)?;
    match i64::try_from(size) {
        Ok(_) => Ok(size),
        Err(_) => Err(D::Error::custom("number too large")),
    }
}

/// Reads a platform, if it is one.
fn platform<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Platform>, D::Error> {
    let Some(parts) = Option::<PlatformParts<'_>>::deserialize(from)? else {
        return Ok(None);
    };
    let [os, architecture, variant, version] = [
        &parts.os.0,
        &parts.architecture.0,
        &parts.variant.0,
        &parts.os_version.0,
    ];
    Ok(Platform::new(os, architecture, Some(variant), Some(version)).ok())
}

/// The parts of a platform, any of which may be missing.
#[derive(Deserialize)]
#[serde(expecting = "a platform")]
struct PlatformParts<'a> {
    #[serde(borrow, default)]
    os: Text<'a>,
    #[serde(borrow, default)]
    architecture: Text<'a>,
    #[serde(borrow, default)]
    variant: Text<'a>,
    #[serde(borrow, default, rename = "os.version")]
    os_version: Text<'a>,
    #[serde(default, rename = "os.features")]
    _os_features: Unread,
    #[serde(default, rename = "features")]
    _features: Unread,
}
