//! The role of a writer: told images, it asks for files.

use std::sync::Arc;

use crate::error::{Error, FailureKind};
use crate::fs::OutputSink;
use crate::release::blob_table::BlobTable;
use crate::release::plan::PlannedImage;
use crate::release::tally::Tally;
use crate::wasm::bindings::types;
use crate::wasm::bindings::writer as bindings;
use crate::wasm::bindings::writer::exports::regcarve::plugin::write as exported;
use crate::wasm::component::Component;
use crate::wasm::convert::closure_out;
use crate::wasm::imports::output::OutputHost;
pub use crate::wasm::imports::output::OutputPlan;
use crate::wasm::instance::Instance;
use crate::wasm::state::Capability;

/// A writer at work.
pub struct Writer {
    instance: Instance<bindings::Writer>,
}

impl Writer {
    /// A fresh instance that may add to `tree` the blobs of `plan`.
    pub fn start(
        component: &Component,
        tree: Box<dyn OutputSink>,
        plan: Arc<OutputPlan>,
    ) -> Result<Self, Error> {
        let capability = Capability::Output(Box::new(OutputHost::new(tree, plan)));
        let instance = component.instantiate(capability, |pre, store| {
            bindings::WriterPre::new(pre.clone())?.instantiate(store)
        })?;
        Ok(Self { instance })
    }

    /// Puts one image into the storage.
    pub fn place(&mut self, image: &PlannedImage, blobs: &BlobTable) -> Result<(), Error> {
        let record = exported::Image {
            repository: image.repository.to_string(),
            tag: image.tag.as_ref().map(ToString::to_string),
            digest: image.digest().to_string(),
            entries: closure_out(image.entries(), blobs),
        };
        let answer = self
            .instance
            .run(|store, world| world.regcarve_plugin_write().call_place(store, &record))?;
        answer.map_err(|failure| self.failed(&image.reference(), &failure))
    }

    /// Writes the files that are about all images.
    pub fn finish<'a>(
        &mut self,
        images: impl Iterator<Item = &'a PlannedImage>,
        blobs: &BlobTable,
    ) -> Result<(), Error> {
        let entries: Vec<_> = images
            .map(|image| exported::ImageSummary {
                repository: image.repository.to_string(),
                tag: image.tag.as_ref().map(ToString::to_string),
                digest: image.digest().to_string(),
                media_type: image.image.top().media_type.to_string(),
                size: blobs.get(image.image.top().blob).size().unwrap_or(0),
            })
            .collect();
        let answer = self
            .instance
            .run(|store, world| world.regcarve_plugin_write().call_finish(store, &entries))?;
        answer.map_err(|failure| self.failed("the last files", &failure))
    }

    /// The files that this instance has made.
    pub fn tally(&mut self) -> Tally {
        match &self.instance.state().capability {
            Capability::Output(output) => output.tally(),
            _ => Tally::default(),
        }
    }

    fn failed(&self, at: &str, failure: &types::Failure) -> Error {
        let cause = match failure {
            types::Failure::NotFound => "not found",
            types::Failure::Occupied => "a name that it needs is taken by something else",
            types::Failure::Refused(text)
            | types::Failure::Damaged(text)
            | types::Failure::Other(text) => text,
        };
        self.instance
            .failure(FailureKind::Failed(format!("{at}: {cause}")))
            .into()
    }
}
