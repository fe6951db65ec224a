//! Checking what was found in the source against what manifests say of it.

use crate::fs::ReadError;
use crate::release::blob_table::{Blob, BlobState, BlobTable};
use crate::release::image::{ClosureEntry, Image, Kind};
use crate::release::problem::{Problem, Severity};
use crate::release::request::Origin;

/// The state of a blob whose file cannot be read.
pub fn state_of(error: ReadError) -> BlobState {
    match error {
        ReadError::NotFound => BlobState::Absent,
        ReadError::Damaged(text) => BlobState::Damaged(text),
        ReadError::OsError(error) => BlobState::Unreadable(error.to_string()),
    }
}

/// The problems of an image that was just resolved. Manifests below an index are left out: a policy may drop their
/// platforms yet, with all that is wrong with them.
pub fn resolved_image<'a>(
    image: &'a Image,
    blobs: &'a BlobTable,
) -> impl Iterator<Item = Problem> + 'a {
    let is_index = image.top().kind == Kind::Index;
    let certain = move |entry: &&ClosureEntry| !is_index || entry.kind == Kind::Index;
    let name = || (image.reference(), image.origin.clone());
    let entries = image.entries.iter().filter(certain);
    entries.filter_map(move |entry| blob(name, entry, blobs.get(entry.blob)))
}

/// The problem of a blob, if it has one, for an image that needs it.
pub fn blob(
    image: impl FnOnce() -> (String, Origin),
    entry: &ClosureEntry,
    blob: &Blob,
) -> Option<Problem> {
    let mut hint = None;
    let (severity, cause) = match &blob.state {
        BlobState::Made(_) => return None,
        BlobState::File(size) if *size == entry.size => return None,
        BlobState::Absent if entry.optional => return None,
        BlobState::File(size) => {
            let cause = format!(
                "has {size} bytes; the manifest that names {} says {}",
                blob.digest, entry.size
            );
            (Severity::Damaged, cause)
        }
        BlobState::Absent => {
            hint = entry.platform.as_ref().map(|platform| {
                format!("this is the part for {platform}; if the source was carved for other platforms, choose these with --platform")
            });
            let cause = format!("there is no such file; it should hold {}", blob.digest);
            (Severity::Damaged, cause)
        }
        BlobState::Damaged(text) => (Severity::Damaged, text.clone()),
        BlobState::Unreadable(text) => (Severity::Unreadable, text.clone()),
    };
    let (reference, origin) = image();
    let hint = hint.or_else(|| origin.hint());
    let problem = Problem::new(severity, reference, cause);
    Some(problem.from(origin).at(&*blob.path).hint_if(hint))
}
