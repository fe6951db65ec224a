//! Images into a storage.

use std::collections::HashSet;

use regcarve_formats::registry::Place;
use regcarve_layout_kit::{Failure, Placed, Writer, output};
use regcarve_types::{Digest, Repository};

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct RegistryWriter {
    /// The repository of the last image; all of its images come one after the other.
    repository: Option<Repository>,
    /// The links that this repository has already. Asking twice would be harmless, but not free.
    linked: HashSet<(bool, Digest)>,
}

impl Writer for RegistryWriter {
    fn place(&mut self, image: &Placed) -> Result<(), Failure> {
        let repository = &image.repository;
        if self.repository.as_ref() != Some(repository) {
            self.linked.clear();
            output::make_directory(&Place::Layers { repository }.path())?;
            self.repository = Some(repository.clone());
        }
        for entry in &image.entries {
            let digest = entry.digest;
            let revision = Place::RevisionLink { repository, digest };
            let layer = Place::LayerLink { repository, digest };
            for (is_used, is_revision, link) in [
                (entry.is_manifest, true, revision),
                (entry.is_blob, false, layer),
            ] {
                if is_used && self.linked.insert((is_revision, digest)) {
                    output::hard_link(digest, &Place::BlobData { digest }.path())?;
                    output::write_link(&link.path(), digest)?;
                }
            }
        }
        let Some(tag) = &image.tag else { return Ok(()) };
        let digest = image.digest;
        let current = Place::CurrentTag { repository, tag };
        output::write_link(&current.path(), digest)?;
        let index = Place::TagIndex {
            repository,
            tag,
            digest,
        };
        output::write_link(&index.path(), digest)
    }
}
