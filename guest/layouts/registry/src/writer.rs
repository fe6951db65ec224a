//! Images into a storage.

use std::collections::HashSet;

use regcarve_formats::registry::Place;
use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{ImageSummary, PlacedImage, Writer, output};
use regcarve_layout_kit::{invalid, uses};
use regcarve_types::{Digest, Repository, Tag};

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct RegistryWriter {
    /// The repository of the last image; all of its images come one after the other.
    repository: Option<Repository>,
    /// Links that this repository has already. Asking twice would be harmless, but not free.
    linked: HashSet<(bool, Digest)>,
}

impl Writer for RegistryWriter {
    fn place(&mut self, image: PlacedImage) -> Result<(), Failure> {
        let repository = Repository::parse(&image.repository).map_err(invalid)?;
        if self.repository.as_ref() != Some(&repository) {
            self.linked.clear();
            output::make_directory(
                &Place::Layers {
                    repository: &repository,
                }
                .path(),
            )?;
            self.repository = Some(repository.clone());
        }
        for (content, uses) in image.entries.iter().zip(uses(&image.entries)) {
            let digest = Digest::parse(&content.digest).map_err(invalid)?;
            let repository = &repository;
            let manifest = Place::RevisionLink { repository, digest };
            let blob = Place::LayerLink { repository, digest };
            for (is_used, is_manifest, link) in
                [(uses.manifest, true, manifest), (uses.blob, false, blob)]
            {
                if is_used && self.linked.insert((is_manifest, digest)) {
                    output::hard_link(&content.digest, &Place::BlobData { digest }.path())?;
                    output::write_link(&link.path(), &content.digest)?;
                }
            }
        }
        let Some(tag) = image.tag else { return Ok(()) };
        let tag = Tag::parse(&tag).map_err(invalid)?;
        let digest = Digest::parse(&image.digest).map_err(invalid)?;
        output::write_link(
            &Place::CurrentTag {
                repository: &repository,
                tag: &tag,
            }
            .path(),
            &image.digest,
        )?;
        output::write_link(
            &Place::TagIndex {
                repository: &repository,
                tag: &tag,
                digest,
            }
            .path(),
            &image.digest,
        )
    }

    fn finish(&mut self, _images: Vec<ImageSummary>) -> Result<(), Failure> {
        Ok(())
    }
}
