//! The table of images, in groups.

mod attached;
mod content;
mod names;
mod plain;
mod platforms;
mod shared;

use super::{Image, Role, Via};
use crate::package::Package;

/// Every image, in the order in which they have to be pushed.
pub(super) fn all() -> Vec<Image> {
    let groups = [
        plain::images(),
        platforms::images(),
        content::images(),
        shared::images(),
        names::images(),
        attached::images(),
    ];
    groups.into_iter().flatten().collect()
}

/// A selected image, `name:tag`, asked for by its tag.
fn selected(reference: &str, shape: &'static str, package: Package) -> Image {
    let request = Some(reference.to_owned());
    Image {
        request,
        ..image(Role::Selected, reference, shape, package)
    }
}

/// An image that must stay behind.
fn decoy(reference: &str, shape: &'static str, package: Package) -> Image {
    image(Role::Decoy, reference, shape, package)
}

/// An image that travels with another one.
fn attached(reference: &str, shape: &'static str, package: Package) -> Image {
    image(Role::Attached, reference, shape, package)
}

fn image(role: Role, reference: &str, shape: &'static str, package: Package) -> Image {
    let (repository, tag) = reference.split_once(':').expect("name:tag");
    Image {
        shape,
        repository: repository.to_owned(),
        tag: Some(tag.to_owned()),
        request: None,
        role,
        via: Via::Api,
        skopeo: true,
        resigned: false,
        ancient: false,
        superseded: false,
        package,
    }
}

impl Image {
    fn via(self, via: Via) -> Self {
        Self { via, ..self }
    }

    /// skopeo 1.9 cannot pull it.
    fn api_only(self) -> Self {
        Self {
            skopeo: false,
            ..self
        }
    }

    /// Pushed by digest, asked for by digest; the tag in its reference was only a place holder.
    fn by_digest(self) -> Self {
        let request = Some(format!("{}@{}", self.repository, self.digest()));
        Self {
            request,
            tag: None,
            ..self
        }
    }

    /// Its tag is moved by a later image of the table.
    fn superseded(self) -> Self {
        Self {
            superseded: true,
            ..self
        }
    }

    /// Asked for by tag and digest together.
    fn pinned(self) -> Self {
        let request = Some(format!("{}@{}", self.reference(), self.digest()));
        Self { request, ..self }
    }
}
