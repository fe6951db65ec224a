//! An OCI image layout: one folder that holds any number of images.
//!
//! ```text
//!   oci-layout             {"imageLayoutVersion":"1.0.0"}
//!   index.json             an index with one entry for each image, and its name as an annotation
//!   blobs/<alg>/<hex>      manifests, configs and layers alike, each once
//! ```
//!
//! Tools disagree on the place of the name. containerd has the full name in one annotation and the
//! tag alone in another; skopeo, crane and zarf have the full name in the second; oras has only
//! the tag, and no repository anywhere. Indexes written here have the full name in both; indexes
//! that are read may have any of these forms, see [`Name`].

use serde::{Deserialize, Serialize};

use regcarve_types::{Digest, Excerpt, Reference, ReferenceError, Tag};

use crate::manifest::{Descriptor, Index, ManifestError, ManifestType};

#[cfg(test)]
mod tests;

/// The name of the file that makes a folder a layout.
pub const LAYOUT_FILE: &str = "oci-layout";

/// The content of that file.
pub const LAYOUT_CONTENT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// The name of the file that lists the images.
pub const INDEX_FILE: &str = "index.json";

/// The name of the folder that holds all content. It must be there, even if it is empty.
pub const BLOBS: &str = "blobs";

/// The largest `index.json` that is read: some 80,000 images. It is no manifest that a registry
/// would have to serve, so the limit of those does not hold.
pub const MAX_INDEX_BYTES: usize = 32 * 1024 * 1024;

/// The most entries it may have; the shortest entry has about a hundred bytes.
const MOST_ENTRIES: usize = MAX_INDEX_BYTES / 100;

/// The annotation with the full name, by containerd.
const IMAGE_NAME: &str = "io.containerd.image.name";

/// The annotation with the tag or the full name, by the OCI.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The path of a blob, relative to the layout.
pub fn blob_path(digest: Digest) -> String {
    let (algorithm, hex) = (digest.algorithm().name(), digest.hex());
    let mut path = String::with_capacity(BLOBS.len() + algorithm.len() + hex.len() + 2);
    for part in [BLOBS, "/", algorithm, "/", &hex] {
        path.push_str(part);
    }
    path
}

/// Why a folder is not a layout that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The file is not what it should be.
    #[error("`{LAYOUT_FILE}` does not say which version the layout has")]
    Malformed,
    /// The layout has a version of which there is none yet.
    #[error("version {0} of the layout is not known here")]
    Version(Excerpt),
}

/// Checks the content of `oci-layout`.
pub fn check_layout(content: &[u8]) -> Result<(), LayoutError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Layout {
        image_layout_version: String,
    }
    let layout: Layout = serde_json::from_slice(content).map_err(|_| LayoutError::Malformed)?;
    // A version 1.1 may only add what a reader of 1.0 can do without.
    if layout.image_layout_version.starts_with("1.") {
        Ok(())
    } else {
        Err(LayoutError::Version(Excerpt::of(
            &layout.image_layout_version,
        )))
    }
}

/// An image for `index.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name. A digest beside a tag is not part of it.
    pub reference: Reference,
    /// The media type of the top manifest.
    pub media_type: ManifestType,
    /// The digest of the top manifest.
    pub digest: Digest,
    /// The size of the top manifest in bytes.
    pub size: u64,
}

/// Makes the content of `index.json`: sorted by name, each entry once, whatever the order of
/// `entries`.
pub fn write_index(entries: &[Entry]) -> Result<Vec<u8>, ManifestError> {
    let mut manifests: Vec<Written> = entries.iter().map(Written::from).collect();
    manifests.sort_unstable();
    manifests.dedup();
    let index = WrittenIndex {
        schema_version: 2,
        media_type: ManifestType::OciIndex.as_str(),
        manifests,
    };
    serde_json::to_vec(&index).map_err(|error| ManifestError::json(&error))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenIndex {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Written>,
}

/// First in order are the annotations, which hold the name.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    annotations: Annotations,
    digest: String,
    media_type: &'static str,
    size: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Annotations {
    #[serde(rename = "io.containerd.image.name")]
    image_name: String,
    #[serde(rename = "org.opencontainers.image.ref.name")]
    ref_name: String,
}

impl From<&Entry> for Written {
    fn from(entry: &Entry) -> Self {
        let repository = entry.reference.repository();
        let name = match entry.reference.tag() {
            Some(tag) => format!("{repository}:{tag}"),
            None => format!("{repository}@{}", entry.digest),
        };
        Self {
            annotations: Annotations {
                image_name: name.clone(),
                ref_name: name,
            },
            digest: format!("{}", entry.digest),
            media_type: entry.media_type.as_str(),
            size: entry.size,
        }
    }
}

/// The name of an entry of `index.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A full name.
    Full(Reference),
    /// A tag alone. The repository is not known.
    TagOnly(Tag),
    /// No name.
    Unnamed,
    /// A name that is not valid here, for example one with the host of a registry.
    Unreadable {
        /// The name.
        text: Excerpt,
        /// Why it is not valid.
        error: ReferenceError,
    },
}

/// An entry of an `index.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Its name.
    pub name: Name,
    /// Its top manifest.
    pub descriptor: Descriptor,
}

/// Reads the content of `index.json`.
pub fn parse_index(content: &[u8]) -> Result<Vec<IndexEntry>, ManifestError> {
    if content.len() > MAX_INDEX_BYTES {
        let (found, limit) = (content.len(), MAX_INDEX_BYTES);
        return Err(ManifestError::FileTooLarge { found, limit });
    }
    let entries = Index::parse_file(content, MOST_ENTRIES)?.manifests;
    let entries = entries.into_iter().map(|descriptor| IndexEntry {
        name: name_of(&descriptor),
        descriptor,
    });
    Ok(entries.collect())
}

/// The full name from either annotation, else the tag.
fn name_of(entry: &Descriptor) -> Name {
    let image_name = entry.annotations.get(IMAGE_NAME);
    let ref_name = entry.annotations.get(REF_NAME);
    let mut first_error = None;
    for text in [image_name, ref_name].into_iter().flatten() {
        match Reference::parse(text) {
            Ok(reference) => return Name::Full(reference),
            Err(error) => {
                first_error.get_or_insert((text, error));
            }
        }
    }
    let tag = ref_name.filter(|_| image_name.is_none());
    match (tag.map(|tag| Tag::parse(tag)), first_error) {
        (Some(Ok(tag)), _) => Name::TagOnly(tag),
        (_, Some((text, error))) => Name::Unreadable {
            text: Excerpt::of(text),
            error,
        },
        (_, None) => Name::Unnamed,
    }
}
