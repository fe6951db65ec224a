//! Conversion between the types of the contract and the host's own. `…_in` checks what a guest gave, `…_out` is for
//! guests to read.

use regcarve_types::{Digest, Platform};

use crate::release::blob_table::BlobTable;
use crate::release::image::{ClosureEntry, Kind};
use crate::wasm::bindings::types;

/// A digest in a call of a guest; the call is refused if it is none.
pub(super) fn digest_in(text: &str) -> Result<Digest, types::Failure> {
    Digest::parse(text).map_err(|error| types::Failure::Refused(error.to_string()))
}

/// The closure of an image.
pub(super) fn closure_out(entries: &[ClosureEntry], blobs: &BlobTable) -> Vec<types::ClosureEntry> {
    let entry_out = |entry: &ClosureEntry| {
        let blob = blobs.get(entry.blob);
        types::ClosureEntry {
            digest: blob.digest.to_string(),
            media_type: entry.media_type.to_string(),
            size: blob.size().unwrap_or(0),
            kind: kind_out(entry.kind),
            platform: entry.platform.as_deref().map(platform_out),
            describes: entry.describes.as_ref().map(ToString::to_string),
            children: entry.children.to_vec(),
        }
    };
    entries.iter().map(entry_out).collect()
}

/// The use of a blob in an image.
pub(super) fn kind_in(kind: types::Kind) -> Kind {
    match kind {
        types::Kind::Index => Kind::Index,
        types::Kind::Manifest => Kind::Manifest,
        types::Kind::Config => Kind::Config,
        types::Kind::Layer => Kind::Layer,
    }
}

/// The use of a blob in an image.
pub(super) fn kind_out(kind: Kind) -> types::Kind {
    match kind {
        Kind::Index => types::Kind::Index,
        Kind::Manifest => types::Kind::Manifest,
        Kind::Config => types::Kind::Config,
        Kind::Layer => types::Kind::Layer,
    }
}

/// A platform; `None` if it breaks the grammar.
pub(super) fn platform_in(platform: &types::Platform) -> Option<Platform> {
    Platform::new(
        &platform.os,
        &platform.architecture,
        platform.variant.as_deref(),
        platform.os_version.as_deref(),
    )
    .ok()
}

/// A platform.
pub(super) fn platform_out(platform: &Platform) -> types::Platform {
    types::Platform {
        os: platform.os().into(),
        architecture: platform.architecture().into(),
        variant: platform.variant().map(Into::into),
        os_version: platform.os_version().map(Into::into),
    }
}
