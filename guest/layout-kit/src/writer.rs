//! Writing a format: the trait that it implements, with typed values.

use std::fmt::Display;

use regcarve_types::{Digest, Reference, Repository, Tag};

use crate::raw::{self, ClosureEntry, Failure, ImageSummary, Kind, PlacedImage};

/// A storage that images are laid out in. One value lives as long as the instance.
pub trait Writer: Default {
    /// Puts one image into the storage.
    ///
    /// # Errors
    ///
    /// Those of the output.
    fn place(&mut self, image: &Placed) -> Result<(), Failure>;

    /// Writes files that describe the whole storage.
    ///
    /// # Errors
    ///
    /// Those of the output.
    fn finish(&mut self, _images: &[Summary]) -> Result<(), Failure> {
        Ok(())
    }
}

/// An image and those of its blobs that travel.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The repository.
    pub repository: Repository,
    /// The tag, if the image has one.
    pub tag: Option<Tag>,
    /// The digest of the top manifest.
    pub digest: Digest,
    /// The blobs, the top manifest first.
    pub entries: Vec<PlacedEntry>,
}

/// A blob of an image.
#[derive(Debug, Clone, Copy)]
pub struct PlacedEntry {
    /// The digest of the blob.
    pub digest: Digest,
    /// An index names it, or it is the top.
    pub is_manifest: bool,
    /// A manifest names it as its config or as a layer. A digest may be both, though it seldom is.
    pub is_blob: bool,
}

/// An image in the list of all.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The repository.
    pub repository: Repository,
    /// The tag, if the image has one.
    pub tag: Option<Tag>,
    /// The digest of the top manifest.
    pub digest: Digest,
    /// The media type of the top manifest.
    pub media_type: String,
    /// The size of the top manifest in bytes.
    pub size: u64,
}

impl Placed {
    /// The name of the image: `name:tag`, or `name@digest` without a tag.
    pub fn reference(&self) -> Reference {
        reference(&self.repository, self.tag.as_ref(), self.digest)
    }
}

impl Summary {
    /// The name of the image: `name:tag`, or `name@digest` without a tag.
    pub fn reference(&self) -> Reference {
        reference(&self.repository, self.tag.as_ref(), self.digest)
    }
}

fn reference(repository: &Repository, tag: Option<&Tag>, digest: Digest) -> Reference {
    match tag {
        Some(tag) => Reference::tagged(repository.clone(), tag.clone()),
        None => Reference::pinned(repository.clone(), digest),
    }
}

/// A failure for values that this format cannot store.
pub fn cannot_store(error: impl Display) -> Failure {
    Failure::Other(error.to_string())
}

/// The contract's writer made of a [`Writer`].
#[derive(Default)]
pub struct TypedWriter<W>(W);

impl<W: Writer> raw::Writer for TypedWriter<W> {
    fn place(&mut self, image: PlacedImage) -> Result<(), Failure> {
        self.0.place(&placed(&image)?)
    }

    fn finish(&mut self, images: Vec<ImageSummary>) -> Result<(), Failure> {
        let images = images.into_iter().map(summary);
        self.0.finish(&images.collect::<Result<Vec<_>, _>>()?)
    }
}

fn placed(image: &PlacedImage) -> Result<Placed, Failure> {
    if image.entries.is_empty() {
        return Err(cannot_store("an image without a manifest"));
    }
    Ok(Placed {
        repository: Repository::parse(&image.repository).map_err(cannot_store)?,
        tag: parsed_tag(image.tag.as_deref())?,
        digest: Digest::parse(&image.digest).map_err(cannot_store)?,
        entries: entries(&image.entries)?,
    })
}

fn summary(image: ImageSummary) -> Result<Summary, Failure> {
    Ok(Summary {
        repository: Repository::parse(&image.repository).map_err(cannot_store)?,
        tag: parsed_tag(image.tag.as_deref())?,
        digest: Digest::parse(&image.digest).map_err(cannot_store)?,
        media_type: image.media_type,
        size: image.size,
    })
}

fn parsed_tag(tag: Option<&str>) -> Result<Option<Tag>, Failure> {
    tag.map(Tag::parse).transpose().map_err(cannot_store)
}

fn entries(closure: &[ClosureEntry]) -> Result<Vec<PlacedEntry>, Failure> {
    let mut entries = Vec::with_capacity(closure.len());
    for entry in closure {
        let is_manifest = matches!(entry.kind, Kind::Index | Kind::Manifest);
        entries.push(PlacedEntry {
            digest: Digest::parse(&entry.digest).map_err(cannot_store)?,
            is_manifest,
            is_blob: !is_manifest,
        });
    }
    let manifests = closure.iter().filter(|entry| entry.kind == Kind::Manifest);
    for child in manifests.flat_map(|entry| &entry.children) {
        // Whatever it is elsewhere: a manifest names nothing but blobs.
        if let Some(entry) = entries.get_mut(*child as usize) {
            entry.is_blob = true;
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(tag: Option<&str>, entries: Vec<ClosureEntry>) -> PlacedImage {
        PlacedImage {
            repository: "team/app".into(),
            tag: tag.map(Into::into),
            digest: Digest::sha256([1; 32]).to_string(),
            entries,
        }
    }

    fn entry(byte: u8, kind: Kind, children: &[u32]) -> ClosureEntry {
        ClosureEntry {
            digest: Digest::sha256([byte; 32]).to_string(),
            media_type: String::new(),
            size: 1,
            kind,
            platform: None,
            describes: None,
            children: children.into(),
        }
    }

    #[test]
    fn a_manifest_may_be_a_layer_too() {
        let closure = vec![
            entry(1, Kind::Index, &[1, 2]),
            entry(2, Kind::Manifest, &[3, 2]),
            entry(3, Kind::Manifest, &[3]),
            entry(4, Kind::Config, &[]),
        ];
        let placed = placed(&image(Some("v1"), closure)).expect("well formed");
        let found: Vec<_> = placed
            .entries
            .iter()
            .map(|entry| (entry.is_manifest, entry.is_blob))
            .collect();
        let expected = [(true, false), (true, false), (true, true), (false, true)];
        assert_eq!(found, expected);
        assert_eq!(placed.reference().to_string(), "team/app:v1");
    }

    #[test]
    fn an_image_without_tag_is_named_by_its_digest() {
        let entries = vec![entry(1, Kind::Manifest, &[])];
        let placed = placed(&image(None, entries)).expect("well formed");
        let digest = Digest::sha256([1; 32]);
        assert_eq!(placed.reference().to_string(), format!("team/app@{digest}"));
    }

    #[test]
    fn malformed_images_are_not_placed() {
        assert!(placed(&image(None, Vec::new())).is_err());
        let mut odd = entry(1, Kind::Manifest, &[]);
        odd.digest.push('x');
        assert!(placed(&image(None, vec![odd])).is_err());
        let entries = vec![entry(1, Kind::Manifest, &[])];
        assert!(placed(&image(Some("."), entries)).is_err());
    }
}
