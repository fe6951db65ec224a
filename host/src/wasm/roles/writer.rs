//! The role of a writer: told images, it asks for files.

use std::os::fd::AsFd;
use std::sync::Arc;

use regcarve_types::Digest;

use crate::error::{Error, OutputError};
use crate::fs::{
    LinkMode, MAX_FILE, Placed, SourceFile, SourceTree, SplitOutput, TreePath, WriteError,
};
use crate::pipeline::carve::Tally;
use crate::release::blob_table::{BlobState, BlobTable, PlacedPaths};
use crate::release::image::BlobId;
use crate::release::plan::PlannedImage;
use crate::wasm::bindings::types;
use crate::wasm::bindings::writer as bindings;
use crate::wasm::bindings::writer::exports::regcarve::plugin::write as exported;
use crate::wasm::component::{Component, Instance};
use crate::wasm::failure::FailureKind;
use crate::wasm::roles::reader::{kind_out, platform_out};
use crate::wasm::state::Capability;

/// What all writers of one output share: the plan, and what of it is done.
pub struct Job {
    /// Where content is.
    pub source: SourceTree,
    /// All content, of the plan and of what was dropped.
    pub contents: Arc<BlobTable>,
    /// Which content is in the plan.
    pub planned: Arc<[bool]>,
    /// What has been placed.
    pub placed: PlacedPaths,
}

/// A writer at work.
pub struct Writer {
    instance: Instance<bindings::Writer>,
}

impl Writer {
    /// A fresh instance that may add to `tree` what `job` holds.
    pub fn start(component: &Component, tree: SplitOutput, job: Arc<Job>) -> Result<Self, Error> {
        let capability = Capability::Output(Box::new(OutputHost {
            tree,
            source: job.source.another(),
            job,
            tally: Tally::default(),
        }));
        let instance = component.instantiate(capability, |pre, store| {
            bindings::WriterPre::new(pre.clone())?.instantiate(store)
        })?;
        Ok(Self { instance })
    }

    /// Puts one image into the storage.
    pub fn place(&mut self, image: &PlannedImage, contents: &BlobTable) -> Result<(), Error> {
        let record = exported::Image {
            repository: image.repository.to_string(),
            tag: image.tag.as_ref().map(ToString::to_string),
            digest: image.digest.to_string(),
            entries: content_records(&image.items, contents),
        };
        let answer = self
            .instance
            .run(|store, world| world.regcarve_plugin_write().call_place(store, &record))?;
        answer.map_err(|failure| self.failed(&image.reference(), &failure))
    }

    /// Writes what speaks of all images.
    pub fn finish<'a>(
        &mut self,
        images: impl Iterator<Item = &'a PlannedImage>,
        contents: &BlobTable,
    ) -> Result<(), Error> {
        let entries: Vec<_> = images
            .map(|image| exported::ImageSummary {
                repository: image.repository.to_string(),
                tag: image.tag.as_ref().map(ToString::to_string),
                digest: image.digest.to_string(),
                media_type: image.top().media_type.to_string(),
                size: contents.get(image.top().content).size().unwrap_or(0),
            })
            .collect();
        let answer = self
            .instance
            .run(|store, world| world.regcarve_plugin_write().call_finish(store, &entries))?;
        answer.map_err(|failure| self.failed("the whole", &failure))
    }

    /// What this instance has done.
    pub fn tally(&mut self) -> Tally {
        match &mut self.instance.state().capability {
            Capability::Output(capability) => capability.tally,
            _ => Tally::default(),
        }
    }

    fn failed(&self, what: &str, failure: &types::Failure) -> Error {
        let cause = match failure {
            types::Failure::NotFound => "not found",
            types::Failure::Occupied => "a name that it needs is taken by something else",
            types::Failure::Refused(text)
            | types::Failure::Damaged(text)
            | types::Failure::Other(text) => text,
        };
        self.instance
            .fail(FailureKind::GaveUp(format!("at {what}: {cause}")))
            .into()
    }
}

/// The contract's form of a closure.
pub(in crate::wasm) fn content_records(
    items: &[crate::release::image::ClosureEntry],
    contents: &BlobTable,
) -> Vec<types::ClosureEntry> {
    items
        .iter()
        .map(|item| {
            let content = contents.get(item.content);
            types::ClosureEntry {
                digest: content.digest.to_string(),
                media_type: item.media_type.to_string(),
                size: content.size().unwrap_or(0),
                kind: kind_out(item.kind),
                platform: item.platform.as_deref().map(platform_out),
                describes: item.describes.as_ref().map(ToString::to_string),
                children: item.children.to_vec(),
            }
        })
        .collect()
}

/// What the host lends to a writer.
pub(in crate::wasm) struct OutputHost {
    tree: SplitOutput,
    source: SourceTree,
    job: Arc<Job>,
    tally: Tally,
}

/// The outer error ends the run, the inner one is the guest's to handle.
type Answer = wasmtime::Result<Result<(), types::Failure>>;

impl OutputHost {
    /// Whether giving content a name may mean to copy it, which takes as long as it takes.
    pub(in crate::wasm) fn may_copy(&self) -> bool {
        self.tree.mode() != LinkMode::Hard
    }

    pub(in crate::wasm) fn hard_link(&mut self, content: &str, to: &str) -> Answer {
        let id = match self.planned(content) {
            Ok(id) => id,
            Err(failure) => return Ok(Err(failure)),
        };
        let path = match parse(to) {
            Ok(path) => path,
            Err(failure) => return Ok(Err(failure)),
        };
        if self.job.placed.seen(id, to) {
            return Ok(Ok(()));
        }
        let content = self.job.contents.get(id);
        let done = match &content.presence {
            BlobState::Made(bytes) => self.tree.write_new(path, bytes).map(|new| {
                if new {
                    self.tally.wrote(bytes.len());
                }
            }),
            _ => {
                // Checked when the reader gave it.
                let from = SourceFile {
                    path: parse_own(&content.path)?,
                    handle: content.handle.as_ref().map(AsFd::as_fd),
                    key: content.file,
                };
                self.tree.place(&self.source, from, path).map(|placed| {
                    if let Placed::New(method) = placed {
                        self.tally.placed(method, content.size().unwrap_or(0));
                    }
                })
            }
        };
        let what = content.digest;
        conclude(done, || format!("{what} at {to}"))
    }

    pub(in crate::wasm) fn write_link(&mut self, to: &str, target: &str) -> Answer {
        match Digest::parse(target) {
            Ok(_) => self.write(to, target.as_bytes()),
            Err(error) => Ok(Err(types::Failure::Refused(error.to_string()))),
        }
    }

    pub(in crate::wasm) fn write_file(&mut self, to: &str, bytes: &[u8]) -> Answer {
        if bytes.len() as u64 > MAX_FILE {
            return Ok(Err(types::Failure::Refused(format!(
                "more than {MAX_FILE} bytes in one file"
            ))));
        }
        self.write(to, bytes)
    }

    pub(in crate::wasm) fn make_directory(&mut self, path: &str) -> Answer {
        match parse(path) {
            Ok(parsed) => conclude(self.tree.make_directory(parsed), || {
                format!("directory {path}")
            }),
            Err(failure) => Ok(Err(failure)),
        }
    }

    fn write(&mut self, to: &str, bytes: &[u8]) -> Answer {
        let path = match parse(to) {
            Ok(path) => path,
            Err(failure) => return Ok(Err(failure)),
        };
        let done = self.tree.write_new(path, bytes).map(|new| {
            if new {
                self.tally.wrote(bytes.len());
            }
        });
        conclude(done, || to.to_owned())
    }

    /// The content with this digest, if it is in the plan.
    fn planned(&self, digest: &str) -> Result<BlobId, types::Failure> {
        let refused = |text: String| Err(types::Failure::Refused(text));
        let digest = match Digest::parse(digest) {
            Ok(digest) => digest,
            Err(error) => return refused(error.to_string()),
        };
        match self.job.contents.find(&digest) {
            Some(id) if self.job.planned[id.0 as usize] => Ok(id),
            _ => refused(format!("{digest} is not in the plan")),
        }
    }
}

fn parse(path: &str) -> Result<TreePath<'_>, types::Failure> {
    TreePath::parse(path).map_err(|error| types::Failure::Refused(error.to_string()))
}

fn parse_own(path: &str) -> wasmtime::Result<TreePath<'_>> {
    Ok(TreePath::parse(path)?)
}

/// What the guest may handle goes to the guest, the rest ends the run.
fn conclude(done: Result<(), WriteError>, what: impl FnOnce() -> String) -> Answer {
    match done {
        Ok(()) => Ok(Ok(())),
        Err(WriteError::Occupied(_)) => Ok(Err(types::Failure::Occupied)),
        Err(error) => Err(OutputError {
            what: what(),
            error,
        }
        .into()),
    }
}
