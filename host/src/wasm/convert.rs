//! Conversion between the types of the contract and the host's own. `…_in` checks what a guest gave, `…_out` is for
//! guests to read.

use regcarve_types::Digest;

use crate::release::blob_table::BlobTable;
use crate::release::image::ClosureEntry;
use crate::wasm::bindings::types;
pub(super) use crate::wasm::roles::reader::{kind_out, platform_in, platform_out};

/// A digest in a call of a guest; the call is refused if it is none.
pub(super) fn digest_in(text: &str) -> Result<Digest, types::Failure> {
    Digest::parse(text).map_err(|error| types::Failure::Refused(error.to_string()))
}

/// The closure of an image.
pub(super) fn closure_out(entries: &[ClosureEntry], blobs: &BlobTable) -> Vec<types::ClosureEntry> {
    let content = |entry: &ClosureEntry| {
        let blob = blobs.get(entry.content);
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
    entries.iter().map(content).collect()
}
