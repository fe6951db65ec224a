//! Images into a storage.

use std::collections::HashSet;

use regcarve_closure::invalid;
use regcarve_formats::registry::Place;
use regcarve_kit::layout::{Entry, Placed, Writer, output};
use regcarve_kit::{Failure, Kind};
use regcarve_names::{Digest, Repository, Tag};

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct RegistryWriter {
    /// The repository of the last image; all of its images come one after the other.
    repository: Option<Repository>,
    /// Links that this repository has already. Asking twice would be harmless, but not free.
    linked: HashSet<(bool, Digest)>,
}

impl Writer for RegistryWriter {
    fn place(&mut self, image: Placed) -> Result<(), Failure> {
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
        for content in &image.contents {
            let digest = Digest::parse(&content.digest).map_err(invalid)?;
            let is_manifest = matches!(content.kind, Kind::Index | Kind::Manifest);
            if !self.linked.insert((is_manifest, digest)) {
                continue;
            }
            output::hard_link(&content.digest, &Place::BlobData { digest }.path())?;
            let link = if is_manifest {
                Place::RevisionLink {
                    repository: &repository,
                    digest,
                }
            } else {
                Place::LayerLink {
                    repository: &repository,
                    digest,
                }
            };
            output::write_link(&link.path(), &content.digest)?;
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

    fn finish(&mut self, _images: Vec<Entry>) -> Result<(), Failure> {
        Ok(())
    }
}
