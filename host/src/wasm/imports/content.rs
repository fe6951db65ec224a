//! The interface `content`: reading manifests and configs of the images that a policy is asked about.

use std::collections::HashMap;
use std::sync::Arc;

use regcarve_types::Digest;

use crate::fs::{MAX_BLOB, ReadError, SourceTree, TreePath};
use crate::release::blob_table::{BlobState, BlobTable};
use crate::release::image::{BlobId, Image, Kind};
use crate::release::problem::{Problem, Severity};
use crate::wasm::bindings::{content, types};
use crate::wasm::convert::{closure_out, digest_in};
use crate::wasm::state::{Answer, Capability, State, not_this_role};

impl State {
    fn content(&mut self) -> Result<&mut ContentHost, types::Failure> {
        match &mut self.capability {
            Capability::Content(content) => Ok(content),
            _ => not_this_role("content"),
        }
    }
}

impl content::Host for State {
    fn closure(&mut self, image: String) -> Answer<Vec<types::ClosureEntry>> {
        self.sized_host_call(
            |state| state.content()?.closure(&image),
            |entries| size_of_val(&**entries),
        )
    }

    fn read_blob(&mut self, digest: String) -> Answer<Vec<u8>> {
        self.sized_host_call(|state| state.content()?.read_blob(&digest), Vec::len)
    }
}

/// The capability of a policy: reading manifests and configs of the images that it is asked about.
pub(in crate::wasm) struct ContentHost {
    /// The root of all files. Without it only blobs that the table itself holds can be read.
    source: Option<Arc<SourceTree>>,
    /// The images of the call at hand; empty between calls.
    pub(in crate::wasm) shown: ShownImages,
    /// The blobs that have been read, if they are to be recorded.
    pub(in crate::wasm) read: Option<HashMap<Digest, Option<Vec<u8>>>>,
}

/// The images of one call, and what reading their blobs has shown.
#[derive(Default)]
pub(in crate::wasm) struct ShownImages {
    blobs: Arc<BlobTable>,
    images: Vec<Arc<Image>>,
    /// The blobs of these images and whether the policy may read each; made when the first is asked for.
    readable: Option<HashMap<Digest, (BlobId, bool)>>,
    /// The first blob in this call that could not be read because of the storage. It is not the policy's fault.
    pub(in crate::wasm) problem: Option<Problem>,
    /// All blobs that could not be read because of the storage.
    pub(in crate::wasm) unreadable: Vec<(BlobId, BlobState)>,
}

impl ContentHost {
    pub(in crate::wasm) fn new(source: Option<Arc<SourceTree>>) -> Self {
        Self {
            source,
            shown: ShownImages::default(),
            read: None,
        }
    }

    fn closure(&mut self, image: &str) -> Result<Vec<types::ClosureEntry>, types::Failure> {
        let digest = digest_in(image)?;
        let ShownImages { blobs, images, .. } = &self.shown;
        match images.iter().find(|image| image.digest == digest) {
            Some(image) => Ok(closure_out(&image.entries, blobs)),
            None => Err(types::Failure::Refused(format!(
                "{digest} is none of the images in this call"
            ))),
        }
    }

    fn read_blob(&mut self, digest: &str) -> Result<Vec<u8>, types::Failure> {
        let digest = digest_in(digest)?;
        let answer = self.shown.read(self.source.as_deref(), digest);
        if let Some(read) = &mut self.read
            && let Ok(_) | Err(types::Failure::NotFound) = &answer
        {
            read.insert(digest, answer.as_ref().ok().cloned());
        }
        answer
    }
}

impl ShownImages {
    pub(in crate::wasm) fn new(blobs: &Arc<BlobTable>, images: &[Arc<Image>]) -> Self {
        Self {
            blobs: Arc::clone(blobs),
            images: images.to_vec(),
            ..Self::default()
        }
    }

    fn read(
        &mut self,
        source: Option<&SourceTree>,
        digest: Digest,
    ) -> Result<Vec<u8>, types::Failure> {
        let refused = |text: &str| Err(types::Failure::Refused(format!("{digest} {text}")));
        let id = match self.find(&digest) {
            Some((id, true)) => id,
            Some((_, false)) => {
                return refused("is a layer; only manifests and configs can be read");
            }
            None => return refused("belongs to none of the images in this call"),
        };
        let blobs = Arc::clone(&self.blobs);
        let blob = blobs.get(id);
        match &blob.state {
            BlobState::Made(bytes) => return Ok(bytes.clone()),
            BlobState::File(size) if *size > MAX_BLOB => {
                return refused(&format!("has {size} bytes; {MAX_BLOB} can be read"));
            }
            _ => {}
        }
        let Some(source) = source else {
            return Err(types::Failure::NotFound);
        };
        let path = TreePath::parse(&blob.path)
            .map_err(|error| types::Failure::Other(error.to_string()))?;
        match source.read_blob(path, Some(&digest)) {
            Ok((_, bytes)) => Ok(bytes),
            Err(ReadError::NotFound) => Err(types::Failure::NotFound),
            Err(ReadError::Damaged(text)) => {
                let failure = types::Failure::Damaged(format!("{path}: {text}"));
                self.note(id, Severity::Damaged, path, &text);
                self.unreadable.push((id, BlobState::Damaged(text)));
                Err(failure)
            }
            Err(ReadError::OsError(error)) => {
                let text = error.to_string();
                self.note(id, Severity::Unreadable, path, &text);
                self.unreadable
                    .push((id, BlobState::Unreadable(text.clone())));
                Err(types::Failure::Other(text))
            }
        }
    }

    /// The blob with this digest in the images at hand, and whether a policy may read it.
    fn find(&mut self, digest: &Digest) -> Option<(BlobId, bool)> {
        let (blobs, images) = (&self.blobs, &self.images);
        let readable = self
            .readable
            .get_or_insert_with(|| readable_blobs(images, blobs));
        readable.get(digest).copied()
    }

    /// Remembers the first problem of this call.
    fn note(&mut self, id: BlobId, severity: Severity, path: TreePath<'_>, cause: &str) {
        let owner = self
            .images
            .iter()
            .find(|image| image.entries.iter().any(|entry| entry.blob == id));
        let problem = || Problem {
            severity,
            reference: owner.map(|image| image.reference()).unwrap_or_default(),
            origin: owner.map(|image| image.origin.clone()),
            path: Some(path.to_string()),
            cause: cause.into(),
            hint: None,
        };
        self.problem.get_or_insert_with(problem);
    }
}

/// All blobs of some images, and whether a policy may read each.
fn readable_blobs(images: &[Arc<Image>], blobs: &BlobTable) -> HashMap<Digest, (BlobId, bool)> {
    let mut readable = HashMap::new();
    for entry in images.iter().flat_map(|image| &image.entries) {
        let digest = blobs.get(entry.blob).digest;
        // The same bytes may be a layer here and a config there.
        readable.entry(digest).or_insert((entry.blob, false)).1 |= entry.kind != Kind::Layer;
    }
    readable
}
