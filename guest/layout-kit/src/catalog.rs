//! Reading a format: the trait that it implements, and the reader that is made of it.

use std::collections::BTreeSet;
use std::fmt::Display;

use regcarve_formats::referrers::tags_for;
use regcarve_types::{Digest, Repository, Tag};

use crate::closure::Located;
use crate::raw::{
    self, Collector, Damage, Failure, Image, ImageRequest, Referrer, Resolution, UntaggedContent,
};

/// A storage that images are found in. One value lives as long as the instance.
pub trait Catalog: Default {
    /// The top manifest of an image, as this format finds it.
    type Top;

    /// Lists all repositories, sorted; `None` if this is no storage of the format.
    ///
    /// # Errors
    ///
    /// The damage that hides repositories.
    fn repositories(&mut self) -> Result<Option<Vec<Repository>>, Damage>;

    /// Lists the tags of a repository, sorted; `None` if there is no such repository.
    ///
    /// # Errors
    ///
    /// The damage that hides tags.
    fn tags(&mut self, repository: &Repository) -> Result<Option<Vec<Tag>>, Damage>;

    /// Answers whether there is such a repository. Asked when an image was not found.
    ///
    /// # Errors
    ///
    /// The damage that hides it.
    fn has(&mut self, repository: &Repository) -> Result<bool, Damage> {
        Ok(self.tags(repository)?.is_some())
    }

    /// Finds an image by its tag. `pinned` is the digest that it should have, for formats in which one tag may have
    /// several; the caller compares it.
    ///
    /// # Errors
    ///
    /// The reason why the image cannot be had.
    fn by_tag(
        &mut self,
        repository: &Repository,
        tag: &Tag,
        pinned: Option<Digest>,
    ) -> Result<Option<Self::Top>, Unresolved>;

    /// Finds a manifest of a repository by its digest.
    ///
    /// # Errors
    ///
    /// The reason why the manifest cannot be had.
    fn by_digest(
        &mut self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Option<Self::Top>, Unresolved>;

    /// The digest of a top manifest.
    fn digest_of(top: &Self::Top) -> Digest;

    /// The closure of an image; most formats call [`closure`](crate::closure()).
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the image.
    fn closure(
        &mut self,
        repository: &Repository,
        top: Self::Top,
    ) -> Result<Vec<Located>, Vec<Damage>>;

    /// Removes the tags that do not exist from the tags of possible referrers.
    ///
    /// Each tag that is left is resolved, so this is worth it only if it is cheaper.
    fn retain_existing(&mut self, repository: &Repository, tags: &mut Vec<(Digest, Tag)>) {
        if let Ok(existing) = self.tags(repository) {
            let existing = existing.unwrap_or_default();
            tags.retain(|(_, tag)| existing.binary_search(tag).is_ok());
        }
    }

    /// Finds the referrers without a tag, by the `subject` of their manifests.
    fn untagged_referrers(
        &mut self,
        _repository: &Repository,
        _subjects: &[Digest],
    ) -> UntaggedReferrers<Self::Top> {
        UntaggedReferrers::default()
    }
}

/// A catalog that also lists the content of a storage besides tagged images.
pub trait Audited: Catalog {
    /// Finds the untagged content of a repository.
    fn untagged(&mut self, repository: &Repository) -> Untagged;

    /// Predicts what garbage collectors would do; nothing for a format without any.
    ///
    /// # Errors
    ///
    /// The damage that makes it unpredictable.
    fn garbage(&mut self) -> Result<Vec<Collector>, Damage> {
        Ok(Vec::new())
    }
}

/// The reason why an image cannot be had.
#[derive(Debug)]
pub enum Unresolved {
    /// There is no such image. The text is for the author of the list.
    Missing(String),
    /// The image is incomplete or wrong.
    Damaged(Vec<Damage>),
}

impl Unresolved {
    /// An image that is missing for this reason.
    pub fn missing(cause: impl Display) -> Self {
        Self::Missing(cause.to_string())
    }
}

impl From<Damage> for Unresolved {
    fn from(damage: Damage) -> Self {
        Self::Damaged(vec![damage])
    }
}

impl From<Vec<Damage>> for Unresolved {
    fn from(damages: Vec<Damage>) -> Self {
        Self::Damaged(damages)
    }
}

/// Referrers without a tag.
#[derive(Debug)]
pub struct UntaggedReferrers<T> {
    /// Subjects, one of those that were asked for, and their referrers.
    pub found: Vec<(Digest, T)>,
    /// Manifests that cannot be read: each may be a referrer of any image.
    pub unreadable: Vec<Damage>,
}

impl<T> Default for UntaggedReferrers<T> {
    fn default() -> Self {
        Self {
            found: Vec::new(),
            unreadable: Vec::new(),
        }
    }
}

/// Untagged content of a repository.
#[derive(Debug, Default)]
pub struct Untagged {
    /// Top manifests that no tag reaches.
    pub manifests: BTreeSet<Digest>,
    /// Damages that resolving images does not show.
    pub damages: Vec<Damage>,
}

/// The reader made of a [`Catalog`].
#[derive(Default)]
pub struct CatalogReader<C> {
    catalog: C,
    /// The repository whose unreadable manifests were reported last: once is enough, since the host asks again about
    /// the referrers that it gets. Repositories are asked about one after the other.
    reported: Option<Repository>,
}

impl<C: Catalog> CatalogReader<C> {
    fn find(
        &mut self,
        repository: &Repository,
        tag: Option<Tag>,
        pinned: Option<Digest>,
    ) -> Result<Option<Image>, Unresolved> {
        let top = match (&tag, pinned) {
            (Some(tag), pinned) => self.catalog.by_tag(repository, tag, pinned)?,
            (None, Some(digest)) => self.catalog.by_digest(repository, digest)?,
            (None, None) => {
                return Err(Unresolved::missing("neither a tag nor a digest is given"));
            }
        };
        let Some(top) = top else { return Ok(None) };
        let digest = C::digest_of(&top);
        if pinned.is_some_and(|pinned| pinned != digest) {
            return Err(Unresolved::Missing(format!("the tag now names {digest}")));
        }
        let entries = self.catalog.closure(repository, top)?;
        Ok(Some(Image {
            tag: tag.map(|tag| tag.to_string()),
            digest: digest.to_string(),
            entries: entries.into_iter().map(Into::into).collect(),
        }))
    }

    fn resolve_one(&mut self, repository: &Repository, request: &ImageRequest) -> Resolution {
        let missing = |cause: &str| Resolution::Missing(cause.into());
        let Ok(tag) = request.tag.as_deref().map(Tag::parse).transpose() else {
            return missing("this cannot be a tag");
        };
        let digest = match request.digest.as_deref().map(Digest::parse).transpose() {
            Ok(digest) => digest,
            Err(error) => return Resolution::Missing(error.to_string()),
        };
        let is_tagged = tag.is_some();
        match self.find(repository, tag, digest) {
            Ok(Some(image)) => Resolution::Found(image),
            Ok(None) if matches!(self.catalog.has(repository), Ok(false)) => {
                Resolution::NoRepository
            }
            Ok(None) if is_tagged => missing("there is no such tag"),
            Ok(None) => missing("this repository has no such manifest"),
            Err(unresolved) => unresolved.into(),
        }
    }

    /// Referrers under the tags that cosign and the OCI make of the digests of their subjects.
    fn tagged_referrers(&mut self, repository: &Repository, subjects: &[Digest]) -> Vec<Referrer> {
        let all_tags = |subject: Digest| tags_for(subject).map(move |tag| (subject, tag));
        let mut tags: Vec<_> = subjects.iter().copied().flat_map(all_tags).collect();
        self.catalog.retain_existing(repository, &mut tags);
        let mut referrers = Vec::new();
        for (subject, tag) in tags {
            let resolution = match self.find(repository, Some(tag), None) {
                Ok(None) | Err(Unresolved::Missing(_)) => continue,
                Ok(Some(image)) => Resolution::Found(image),
                Err(unresolved) => unresolved.into(),
            };
            referrers.push(Referrer {
                subject: subject.to_string(),
                resolution,
            });
        }
        referrers
    }

    /// All unreadable manifests as one damaged referrer, once for each repository.
    fn unreadable(
        &mut self,
        repository: &Repository,
        subject: Digest,
        mut damages: Vec<Damage>,
    ) -> Option<Referrer> {
        if damages.is_empty() || self.reported.as_ref() == Some(repository) {
            return None;
        }
        for damage in &mut damages {
            damage.cause.push_str(&format!(
                "; it may be a referrer of any image in {repository}"
            ));
        }
        self.reported = Some(repository.clone());
        Some(Referrer {
            subject: subject.to_string(),
            resolution: Resolution::Damaged(damages),
        })
    }
}

impl<C: Catalog> raw::Reader for CatalogReader<C> {
    fn repositories(&mut self) -> Result<Vec<String>, Failure> {
        texts(self.catalog.repositories())
    }

    fn tags(&mut self, repository: &str) -> Result<Vec<String>, Failure> {
        texts(self.catalog.tags(&name(repository)?))
    }

    fn resolve(&mut self, repository: &str, requests: Vec<ImageRequest>) -> Vec<Resolution> {
        let repository = Repository::parse(repository);
        let mut resolve = |request: &ImageRequest| match &repository {
            Ok(repository) => self.resolve_one(repository, request),
            Err(error) => Resolution::Missing(error.to_string()),
        };
        requests.iter().map(&mut resolve).collect()
    }

    fn referrers(&mut self, repository: &str, subjects: Vec<String>) -> Vec<Referrer> {
        let Ok(repository) = Repository::parse(repository) else {
            return Vec::new();
        };
        let subjects: Vec<_> = subjects
            .iter()
            .filter_map(|subject| Digest::parse(subject).ok())
            .collect();
        let mut referrers = self.tagged_referrers(&repository, &subjects);
        let UntaggedReferrers { found, unreadable } =
            self.catalog.untagged_referrers(&repository, &subjects);
        for (subject, top) in found {
            let digest = C::digest_of(&top).to_string();
            let resolution = match self.catalog.closure(&repository, top) {
                Ok(entries) => Resolution::Found(Image {
                    tag: None,
                    digest,
                    entries: entries.into_iter().map(Into::into).collect(),
                }),
                Err(damages) => Resolution::Damaged(damages),
            };
            referrers.push(Referrer {
                subject: subject.to_string(),
                resolution,
            });
        }
        if let Some(subject) = subjects.first() {
            referrers.extend(self.unreadable(&repository, *subject, unreadable));
        }
        referrers
    }
}

impl<C: Audited> raw::Audit for CatalogReader<C> {
    fn untagged(&mut self, repository: &str) -> Result<UntaggedContent, Failure> {
        let Untagged { manifests, damages } = self.catalog.untagged(&name(repository)?);
        Ok(UntaggedContent {
            manifests: manifests.iter().map(ToString::to_string).collect(),
            damages,
        })
    }

    fn garbage(&mut self) -> Result<Vec<Collector>, Failure> {
        self.catalog.garbage().map_err(failure)
    }
}

impl From<Unresolved> for Resolution {
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::Missing(cause) => Self::Missing(cause),
            Unresolved::Damaged(damages) => Self::Damaged(damages),
        }
    }
}

fn name(repository: &str) -> Result<Repository, Failure> {
    Repository::parse(repository).map_err(|error| Failure::Refused(error.to_string()))
}

fn texts<T: Display>(names: Result<Option<Vec<T>>, Damage>) -> Result<Vec<String>, Failure> {
    let names = names.map_err(failure)?.ok_or(Failure::NotFound)?;
    Ok(names.iter().map(ToString::to_string).collect())
}

/// A damage that ends a call.
fn failure(damage: Damage) -> Failure {
    let Damage { path, cause } = damage;
    Failure::Damaged(match path.as_str() {
        "" | "." => cause,
        path => format!("{path}: {cause}"),
    })
}

#[cfg(test)]
#[path = "catalog/tests.rs"]
mod tests;
