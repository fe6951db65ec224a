//! More than 60 images of every shape, pushed into a real registry, and what must become of each.
//!
//! Every image has a role: *selected* ones are in the list, *attached* ones belong to a selected
//! one and travel with it unasked, *decoys* must stay behind although they lie right beside, share
//! layers or had the same tag before. From the roles follows, file by file, what a carve must leave
//! ([`Corpus::expected_files`]), by rules written here a second time and not by the code under test.

mod entries;
mod push;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::package::Package;
use crate::registry::Registry;
use crate::storage::Storage;

/// Why an image is in the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Asked for by a line of the list.
    Selected,
    /// Belongs to a selected image: signature, attestation, SBOM, referrers.
    Attached,
    /// Must not be carried.
    Decoy,
}

/// By which client an image is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The HTTP API.
    Api,
    /// `skopeo copy --all` from an OCI image layout.
    SkopeoOci,
    /// `skopeo copy --all` from a `dir:` folder.
    SkopeoDir,
}

/// One image of the corpus.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its special feature, for messages.
    pub shape: &'static str,
    /// Repository.
    pub repository: String,
    /// Tag; none for an image that is known by its digest only.
    pub tag: Option<String>,
    /// Line of the list, where it is selected.
    pub request: Option<String>,
    /// Why it is here.
    pub role: Role,
    /// By which client it is pushed.
    pub via: Via,
    /// True if `skopeo copy --all` of Debian can pull it; if not, see `shape`.
    pub skopeo: bool,
    /// True if a registry signs it anew, so that answers never have the stored bytes.
    pub resigned: bool,
    /// True if its manifest is moved to where registries before 2.2 kept it.
    pub ancient: bool,
    /// True if its tag has another digest by now, so that it is there by digest only.
    pub superseded: bool,
    /// Its bytes, and those of all behind it.
    pub package: Package,
}

impl Image {
    /// Digest of the top manifest.
    pub fn digest(&self) -> &Digest {
        self.package.digest()
    }

    /// Digests of all manifests of the closure.
    pub fn manifests(&self) -> BTreeSet<Digest> {
        let all = self.package.manifests();
        all.into_iter()
            .map(|manifest| manifest.digest().clone())
            .collect()
    }

    /// Digests, as the manifests say them, of the content that the registry has.
    pub fn blobs(&self) -> BTreeSet<Digest> {
        self.content(true)
    }

    /// Digests of the content that the registry lacks and need not have.
    pub fn absent(&self) -> BTreeSet<Digest> {
        self.content(false)
    }

    fn content(&self, there: bool) -> BTreeSet<Digest> {
        let all = self.package.contents().into_iter();
        all.filter(|piece| piece.bytes.is_some() == there)
            .map(|piece| piece.descriptor.digest.clone())
            .collect()
    }

    /// `name:tag`, or `name@digest` where there is no tag.
    pub fn reference(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}", self.repository),
            None => format!("{}@{}", self.repository, self.digest()),
        }
    }
}

/// All images, as they are in a storage.
#[derive(Debug)]
pub struct Corpus {
    /// In the order of their pushes.
    pub images: Vec<Image>,
}

impl Corpus {
    /// Pushes everything into a registry whose storage is `root`.
    ///
    /// Some things no registry of today writes: those are done to the storage afterwards.
    pub fn push(registry: &Registry, root: &Path) -> Self {
        let images = entries::all();
        push::all(registry, &images);
        push::age(&Storage::at(root), &images);
        Self { images }
    }

    /// The images that a carve by [`Corpus::list`] must carry.
    pub fn expected(&self, attached: bool) -> Vec<&Image> {
        let wanted = |image: &&Image| match image.role {
            Role::Selected => true,
            Role::Attached => attached,
            Role::Decoy => false,
        };
        self.images.iter().filter(wanted).collect()
    }

    /// A list of everything that is selected, a line each with its shape as a comment.
    pub fn list(&self) -> String {
        self.images
            .iter()
            .filter_map(|image| Some(format!("{} # {}\n", image.request.as_ref()?, image.shape)))
            .collect()
    }

    /// The repositories and tags that the catalog and the tag lists must hold after a carve.
    pub fn expected_tags(&self, attached: bool) -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for image in self.expected(attached) {
            let tags = all.entry(image.repository.clone()).or_default();
            tags.extend(image.tag.clone());
        }
        all
    }

    /// Every file, below the `rootdirectory`, that a carve must leave: each content under the digest by which
    /// its manifest names it.
    pub fn expected_files(&self, attached: bool) -> BTreeSet<PathBuf> {
        let storage = Storage::at("");
        let mut files = BTreeSet::new();
        for image in self.expected(attached) {
            files_of(&storage, image, &mut files);
        }
        files
    }

    /// Blobs that garbage collection of a storage that a registry itself wrote takes for unused although
    /// they are used: a registry files a blob pushed by sha512 under its sha256, the collector marks the sha512
    /// that the manifest says and sweeps by sha256. A carve files it under the name that the manifest says.
    pub fn lost_to_collector(&self) -> BTreeSet<Digest> {
        let pieces = self
            .images
            .iter()
            .flat_map(|image| image.package.contents());
        pieces
            .filter(|piece| piece.descriptor.digest.algorithm() != "sha256")
            .filter_map(|piece| piece.stored_as())
            .collect()
    }
}

fn files_of(storage: &Storage, image: &Image, files: &mut BTreeSet<PathBuf>) {
    let repository = &image.repository;
    for digest in image.manifests() {
        files.insert(storage.blob_path(&digest));
        files.insert(storage.revision_link_path(repository, &digest));
    }
    for piece in image.package.contents() {
        if piece.bytes.is_some() {
            let name = &piece.descriptor.digest;
            files.insert(storage.blob_path(name));
            files.insert(storage.layer_link_path(repository, name));
        }
    }
    if let Some(tag) = &image.tag {
        files.insert(storage.tag_path(repository, tag));
        files.insert(storage.tag_index_path(repository, tag, image.digest()));
    }
}

#[cfg(test)]
mod tests;
