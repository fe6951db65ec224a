//! The outermost object of a manifest.
//!
//! All kinds are read alike, because the key that tells them apart may come last. Which kind it is
//! decides [`classify`] when everything is there.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::{DeserializeSeed, MapAccess};

use regcarve_types::{Digest, Excerpt};

use super::descriptor::DescriptorRecord;
use super::read::{Many, Notes, One, Record};
use super::values::{self, Annotations};
use super::{Descriptor, ManifestError, ManifestType, Problem};

mod classify;

/// A list, if the key was there at all, and if it was not `null`.
type Listed<T> = Option<Option<Vec<T>>>;

/// A manifest of any kind, while it is read.
#[derive(Default)]
pub(super) struct Document {
    schema_version: Option<u64>,
    media_type: Option<ManifestType>,
    artifact_type: Option<String>,
    manifests: Listed<Descriptor>,
    config: Option<Descriptor>,
    layers: Listed<Descriptor>,
    subject: Option<Descriptor>,
    annotations: BTreeMap<String, String>,
    fs_layers: Listed<Digest>,
    history: Option<usize>,
    signatures: Option<usize>,
    architecture: Option<String>,
}

/// Reads the one object that `bytes` must be.
pub(super) fn read(bytes: &[u8], most_elements: usize) -> Result<Document, ManifestError> {
    let notes = Notes::with_limit(most_elements);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = One::<Document>::new(&notes).deserialize(&mut json);
    match read.and_then(|document| json.end().map(|()| document)) {
        Ok(Some(document)) => Ok(document),
        // `null` would do for a Go program, which then has a manifest of version 0.
        Ok(None) => Err(Problem::MissingKey("schemaVersion").into()),
        Err(error) => Err(notes.explain(&error)),
    }
}

impl Record for Document {
    type Made = Self;
    const NAME: &'static str = "a manifest";
    const KNOWN: &'static [&'static str] = &[
        "schemaVersion",
        "mediaType",
        "config",
        "layers",
        "manifests",
        "annotations",
        "artifactType",
        "subject",
        "fsLayers",
        "history",
        "signatures",
        "architecture",
    ];

    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        key: &'static str,
        map: &mut A,
        notes: &Notes,
    ) -> Result<(), A::Error> {
        match key {
            "schemaVersion" => self.schema_version = values::size(map)?,
            "mediaType" => self.media_type = media_type(map, notes)?,
            "config" => self.config = map.next_value_seed(descriptor(notes))?,
            "layers" => self.layers = Some(map.next_value_seed(descriptors(notes))?),
            "manifests" => self.manifests = Some(map.next_value_seed(descriptors(notes))?),
            "annotations" => self.annotations = map.next_value_seed(Annotations(notes))?,
            "artifactType" => self.artifact_type = values::text(map)?.map(Into::into),
            "subject" => self.subject = map.next_value_seed(descriptor(notes))?,
            "fsLayers" => {
                self.fs_layers = Some(map.next_value_seed(Many::<FsLayer>::new(notes))?);
            }
            "history" => self.history = values::length(map)?,
            "signatures" => self.signatures = values::length(map)?,
            _ => self.architecture = values::text(map)?.map(Into::into),
        }
        Ok(())
    }

    fn make(self) -> Result<Self, Problem> {
        Ok(self)
    }
}

const fn descriptor(notes: &Notes) -> One<'_, DescriptorRecord> {
    One::new(notes)
}

const fn descriptors(notes: &Notes) -> Many<'_, DescriptorRecord> {
    Many::new(notes)
}

/// Like Go, takes an empty media type for none.
fn media_type<'de, A: MapAccess<'de>>(
    map: &mut A,
    notes: &Notes,
) -> Result<Option<ManifestType>, A::Error> {
    let text = values::text(map)?.unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    match ManifestType::from_media_type(&text) {
        Some(known) => Ok(Some(known)),
        None => Err(notes.refuse(Problem::MediaType(Excerpt::of(&text)))),
    }
}

/// An element of `fsLayers`.
#[derive(Default)]
struct FsLayer(Option<Digest>);

impl Record for FsLayer {
    type Made = Digest;
    const NAME: &'static str = "a layer";
    const KNOWN: &'static [&'static str] = &["blobSum"];

    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        _: &'static str,
        map: &mut A,
        notes: &Notes,
    ) -> Result<(), A::Error> {
        self.0 = values::digest(map, notes)?;
        Ok(())
    }

    fn make(self) -> Result<Digest, Problem> {
        self.0.ok_or(Problem::MissingKey("blobSum"))
    }
}
