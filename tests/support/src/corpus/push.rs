//! Brings the corpus into a registry, by the client that each image asks for.

use std::fs;

use super::{Image, Via};
use crate::layout;
use crate::registry::Registry;
use crate::skopeo;
use crate::storage::Storage;

/// Pushes in order; an image is there before what is attached to it.
pub(super) fn all(registry: &Registry, images: &[Image]) {
    for image in images {
        let done = match image.via {
            Via::Api => image
                .package
                .push(registry, &image.repository, image.tag.as_deref()),
            Via::SkopeoOci | Via::SkopeoDir => by_skopeo(registry, image),
        };
        if let Err(error) = done {
            panic!(
                "cannot push {} ({}): {error}\n{}",
                image.reference(),
                image.shape,
                registry.log()
            );
        }
    }
    // A push that was given up: its rest lies in the storage and must stay there.
    for repository in ["library/alpine", "only/upload"] {
        registry.start_upload(repository).expect("start an upload");
    }
}

fn by_skopeo(registry: &Registry, image: &Image) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("folder for an image");
    let from = match image.via {
        Via::SkopeoDir => {
            layout::write_dir(folder.path(), &image.package);
            format!("dir:{}", folder.path().display())
        }
        Via::SkopeoOci | Via::Api => {
            layout::write_oci(folder.path(), "image", &image.package);
            format!("oci:{}:image", folder.path().display())
        }
    };
    skopeo::push(&from, registry, &image.reference())
}

/// Makes a storage older than it is: manifests lie among the layers, as before registry 2.2.
pub(super) fn age(storage: &Storage, images: &[Image]) {
    for image in images.iter().filter(|image| image.ancient) {
        let (repository, digest) = (&image.repository, image.digest());
        let now = storage.revision_link_path(repository, digest);
        let then = storage.layer_link_path(repository, digest);
        fs::create_dir_all(then.parent().expect("a link has a folder")).expect("folder of a link");
        fs::rename(&now, &then).expect("move a revision link");
        fs::remove_dir(now.parent().expect("a link has a folder")).expect("remove its old folder");
    }
}
