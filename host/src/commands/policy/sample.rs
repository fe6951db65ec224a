//! Images that no storage holds: made for measurements, and for test cases.

use std::sync::Arc;

use regcarve_formats::sample::Entry;
use regcarve_types::Reference;

use crate::release::blob_table::{Blob, BlobState, BlobTable};
use crate::release::image::{ClosureEntry, Image};
use crate::release::request::Origin;

/// Makes an image of a closure, and puts its blobs into the table.
pub(super) fn image(reference: &Reference, closure: Vec<Entry>, blobs: &mut BlobTable) -> Image {
    let digest = closure[0].digest;
    let entries: Vec<_> = closure
        .into_iter()
        .map(|sample| entry(sample, blobs))
        .collect();
    Image {
        repository: Arc::new(reference.repository().clone()),
        tag: reference.tag().cloned(),
        digest,
        size: entries.iter().map(|entry| entry.size).sum(),
        entries,
        origin: Origin::Flag("case"),
        subject: None,
    }
}

/// Puts a blob into the table, unless it is there, and makes the entry that names it.
fn entry(sample: Entry, blobs: &mut BlobTable) -> ClosureEntry {
    let blob = blobs.find(&sample.digest).unwrap_or_else(|| {
        blobs.add(Blob {
            digest: sample.digest,
            path: "".into(),
            state: sample.bytes.map_or(BlobState::Absent, BlobState::Made),
            verified: true,
            file: None,
        })
    });
    ClosureEntry {
        blob,
        kind: sample.kind,
        media_type: sample.media_type.into(),
        platform: sample.platform.map(Arc::new),
        describes: sample.describes.map(Box::new),
        optional: false,
        size: sample.size,
        children: sample.children.into(),
    }
}
