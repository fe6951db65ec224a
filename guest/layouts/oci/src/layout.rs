//! The images in `index.json`, by repository.

use std::collections::BTreeMap;

use regcarve_formats::oci::{IndexEntry, Name};
use regcarve_formats::{Descriptor, ManifestType};
use regcarve_types::{Digest, Reference, Repository, Tag};

/// The top manifest of an image, as its entry describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopManifest {
    pub(crate) digest: Digest,
    /// In bytes.
    pub(crate) size: u64,
    /// It is a manifest, as far as its entry says. A layout may list anything.
    pub(crate) is_manifest: bool,
}

/// The images of one repository.
#[derive(Debug, Default)]
pub(crate) struct Images {
    /// By tag; more than one where entries contradict each other.
    pub(crate) tagged: BTreeMap<Tag, Vec<TopManifest>>,
    /// Without a tag.
    pub(crate) untagged: Vec<TopManifest>,
}

/// An entry that belongs to no repository.
#[derive(Debug)]
pub(crate) struct UnnamedEntry {
    pub(crate) top: TopManifest,
    pub(crate) kind: UnnamedKind,
}

/// Why an entry belongs to no repository.
#[derive(Debug)]
pub(crate) enum UnnamedKind {
    /// It has nothing but a tag.
    Tag(Tag),
    /// It has no name.
    NoName,
    /// Its name cannot be that of an image. The text is the name, and why.
    Unreadable(String),
}

/// All images of a layout.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) repositories: BTreeMap<Repository, Images>,
    pub(crate) unnamed: Vec<UnnamedEntry>,
}

impl Layout {
    /// Sorts the entries of an index.
    pub(crate) fn of(entries: Vec<IndexEntry>) -> Self {
        let mut layout = Self::default();
        for IndexEntry { name, descriptor } in entries {
            let top = TopManifest {
                digest: descriptor.digest,
                size: descriptor.size,
                is_manifest: is_manifest(&descriptor),
            };
            let kind = match name {
                Name::Full(reference) => match layout.add(reference, top) {
                    Ok(()) => continue,
                    Err(why) => UnnamedKind::Unreadable(why),
                },
                Name::TagOnly(tag) => UnnamedKind::Tag(tag),
                Name::Unnamed => UnnamedKind::NoName,
                Name::Unreadable { text, error } => {
                    UnnamedKind::Unreadable(format!("`{text}`: {error}"))
                }
            };
            layout.unnamed.push(UnnamedEntry { top, kind });
        }
        layout
    }

    /// Files an image under its name, unless that holds a digest that is not the image's.
    fn add(&mut self, reference: Reference, top: TopManifest) -> Result<(), String> {
        if reference
            .digest()
            .is_some_and(|digest| digest != top.digest)
        {
            return Err(format!("`{reference}`: that is another digest"));
        }
        let (repository, tag, _) = reference.into_parts();
        let images = self.repositories.entry(repository).or_default();
        let tops = match tag {
            Some(tag) => images.tagged.entry(tag).or_default(),
            None => &mut images.untagged,
        };
        if !tops.iter().any(|known| known.is_same(top)) {
            tops.push(top);
        }
        Ok(())
    }

    /// An entry without repository that has this digest, and that may have this tag.
    pub(crate) fn unnamed_with(&self, digest: Digest, tag: Option<&Tag>) -> Option<TopManifest> {
        let fits = |entry: &&UnnamedEntry| match (&entry.kind, tag) {
            _ if entry.top.digest != digest => false,
            (UnnamedKind::Tag(own), Some(tag)) => own == tag,
            _ => true,
        };
        self.unnamed.iter().find(fits).map(|entry| entry.top)
    }

    /// An entry without repository that has this tag.
    pub(crate) fn unnamed_tagged(&self, tag: &Tag) -> Option<TopManifest> {
        let fits =
            |entry: &&UnnamedEntry| matches!(&entry.kind, UnnamedKind::Tag(own) if own == tag);
        self.unnamed.iter().find(fits).map(|entry| entry.top)
    }
}

fn is_manifest(entry: &Descriptor) -> bool {
    entry.media_type.is_empty() || ManifestType::from_media_type(&entry.media_type).is_some()
}

impl TopManifest {
    /// Answers whether both are the same bytes, whatever their names.
    fn is_same(&self, other: Self) -> bool {
        (self.digest, self.size) == (other.digest, other.size)
    }
}

impl Images {
    /// All of them.
    pub(crate) fn tops(&self) -> impl Iterator<Item = TopManifest> {
        self.tagged
            .values()
            .flatten()
            .chain(&self.untagged)
            .copied()
    }
}

impl UnnamedEntry {
    /// A warning for the user: the entry is in no catalogue, and how to get at it.
    pub(crate) fn warning(&self) -> String {
        let digest = self.top.digest;
        let (what, tag) = match &self.kind {
            UnnamedKind::Tag(tag) => (
                format!("an image with the tag `{tag}` and no repository"),
                tag.as_str(),
            ),
            UnnamedKind::NoName => ("an image without a name".into(), "TAG"),
            UnnamedKind::Unreadable(why) => {
                (format!("an image whose name cannot be used, {why}"), "TAG")
            }
        };
        format!(
            "`index.json` has {what}; it is only taken if a list gives it a name: REPOSITORY:{tag}@{digest}"
        )
    }
}

#[cfg(test)]
mod tests {
    use regcarve_formats::oci::parse_index;

    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest::sha256([byte; 32])
    }

    fn layout(entries: &[(u8, &str)]) -> Layout {
        let entries: Vec<_> = entries
            .iter()
            .map(|(byte, name)| {
                let name = match *name {
                    "" => String::new(),
                    name => format!(
                        r#","annotations":{{"org.opencontainers.image.ref.name":"{name}"}}"#
                    ),
                };
                format!(
                    r#"{{"mediaType":"a/b","digest":"{}","size":{byte}{name}}}"#,
                    digest(*byte)
                )
            })
            .collect();
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
            entries.join(",")
        );
        Layout::of(parse_index(index.as_bytes()).expect("an index"))
    }

    #[test]
    fn images_by_name() {
        let pinned = format!("team/app@{}", digest(3));
        let layout = layout(&[
            (1, "team/app:v1"),
            (2, "team/app:v2"),
            (1, "team/app:v1"),
            (3, &pinned),
            (1, "b:v1"),
        ]);
        assert!(layout.unnamed.is_empty());
        let names: Vec<_> = layout.repositories.keys().map(Repository::as_str).collect();
        assert_eq!(names, ["b", "team/app"]);
        let app = &layout.repositories[&Repository::parse("team/app").expect("a name")];
        let digests: Vec<_> = app.tops().map(|top| top.digest).collect();
        assert_eq!(digests, [digest(1), digest(2), digest(3)]);
    }

    #[test]
    fn contradictions_are_kept() {
        let layout = layout(&[(1, "app:v1"), (2, "app:v1")]);
        let app = &layout.repositories[&Repository::parse("app").expect("a name")];
        assert_eq!(app.tagged[&Tag::parse("v1").expect("a tag")].len(), 2);
    }

    #[test]
    fn unnamed_entries_are_found_by_digest_only() {
        let other = format!("app:v1@{}", digest(9));
        let layout = layout(&[
            (1, "v1"),
            (2, ""),
            (3, "localhost:5000/app:v1"),
            (4, &other),
        ]);
        assert!(layout.repositories.is_empty());
        let (v1, v2) = (
            Tag::parse("v1").expect("a tag"),
            Tag::parse("v2").expect("a tag"),
        );
        assert!(layout.unnamed_with(digest(1), Some(&v1)).is_some());
        assert!(layout.unnamed_with(digest(1), Some(&v2)).is_none());
        assert!(layout.unnamed_with(digest(1), None).is_some());
        assert!(layout.unnamed_with(digest(2), Some(&v2)).is_some());
        assert!(layout.unnamed_with(digest(3), Some(&v1)).is_some());
        assert!(layout.unnamed_with(digest(5), None).is_none());
        assert_eq!(
            layout.unnamed_tagged(&v1).map(|top| top.digest),
            Some(digest(1))
        );
        assert!(layout.unnamed_tagged(&v2).is_none());
        let warnings: Vec<_> = layout.unnamed.iter().map(UnnamedEntry::warning).collect();
        assert!(
            warnings[0].contains(&format!("REPOSITORY:v1@{}", digest(1))),
            "{warnings:?}"
        );
        assert!(
            warnings[1].contains(&format!("REPOSITORY:TAG@{}", digest(2))),
            "{warnings:?}"
        );
        assert!(
            warnings[2].contains("looks like a registry host"),
            "{warnings:?}"
        );
        assert!(warnings[3].contains("another digest"), "{warnings:?}");
    }
}
