//! One image in a storage: `repository:tag`, `repository@digest`, or both.
//!
//! A repository alone is refused. Clients of registries add `latest` to it, and a person who
//! writes it into a list may as well mean every tag; a release should not depend on that guess.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, DigestError};
use crate::excerpt::Excerpt;
use crate::repository::{Repository, RepositoryError, Tag, TagError, refuse_location};

/// The name of one image, as a list holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl Reference {
    /// Makes `repository:tag`.
    pub const fn tagged(repository: Repository, tag: Tag) -> Self {
        Self {
            repository,
            tag: Some(tag),
            digest: None,
        }
    }

    /// Makes `repository@digest`.
    pub const fn pinned(repository: Repository, digest: Digest) -> Self {
        Self {
            repository,
            tag: None,
            digest: Some(digest),
        }
    }

    /// Reads a reference; the whole text must be one.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        // First, because the colon of a port would look like the one of a tag.
        refuse_location(name)?;
        let (name, tag) = match name.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (name, None),
        };
        let repository = Repository::parse(name)?;
        let tag = tag.map(Tag::parse).transpose()?;
        let digest = digest.map(Digest::parse).transpose()?;
        if tag.is_none() && digest.is_none() {
            return Err(ReferenceError::BareName(Excerpt::of(name)));
        }
        Ok(Self {
            repository,
            tag,
            digest,
        })
    }

    /// The repository that holds the image.
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag of the image; without one there is a digest.
    pub const fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest that the image must have, or that names it when there is no tag.
    pub const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The parts, by value.
    pub fn into_parts(self) -> (Repository, Option<Tag>, Option<Digest>) {
        (self.repository, self.tag, self.digest)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.repository.as_str())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// The reason why a text is not a reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The part before the tag or digest is not the name of a repository.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The part behind the colon is not a tag.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The part behind the `@` is not a digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The repository is named, but neither tag nor digest.
    #[error("`{0}` names no tag: write `{0}:latest` for one tag or `{0}:*` for all")]
    BareName(Excerpt),
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:0c1f2e3d4c5b6a79880716253443526170ffeeddccbbaa998877665544332211";

    #[test]
    fn three_forms() {
        for (text, tag, digest) in [
            ("library/nginx:1.27", Some("1.27"), None),
            (&*format!("nginx@{DIGEST}"), None, Some(DIGEST)),
            (&format!("a/b:c@{DIGEST}"), Some("c"), Some(DIGEST)),
            ("localhost:5000", Some("5000"), None),
        ] {
            let reference = Reference::parse(text).expect(text);
            assert_eq!(reference.tag().map(Tag::as_str), tag);
            let shown = reference.digest().map(|digest| digest.to_string());
            assert_eq!(shown.as_deref(), digest);
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn refusals_name_the_part_that_is_wrong() {
        for (text, message) in [
            ("", "the name of the repository is empty"),
            (
                "nginx",
                "`nginx` names no tag: write `nginx:latest` for one tag or `nginx:*` for all",
            ),
            ("nginx:", "the tag is empty"),
            (":latest", "the name of the repository is empty"),
            ("nginx@", "empty, where a digest should be"),
            ("nginx:a:b", "`:` at position 2 does not occur in tags"),
            (
                "Nginx:1",
                "upper case letter `N` at position 1: names are lower case",
            ),
            ("nginx:a/b", "`/` at position 2 does not occur in tags"),
            ("nginx:1 ", "` ` at position 2 does not occur in tags"),
            (
                "nginx@sha256:12@x",
                "`@` at position 10 of a digest is not a hexadecimal digit",
            ),
            (
                "localhost:5000/x:1",
                "`localhost:5000` looks like a registry host; storage names have none: leave it out",
            ),
            (
                "[::1]:5000/x:1",
                "`[::1]:5000` looks like a registry host; storage names have none: leave it out",
            ),
            (
                &format!("localhost:5000/x@{DIGEST}"),
                "`localhost:5000` looks like a registry host; storage names have none: leave it out",
            ),
        ] {
            let error = Reference::parse(text).expect_err(text);
            assert_eq!(error.to_string(), message, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn the_text_comes_back(
            name in "[a-z0-9]{1,8}([._/-][a-z0-9]{1,8}){0,3}",
            tag in "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,20})?",
            digest in "(@sha256:[0-9a-f]{64})?",
        ) {
            let text = format!("{name}{tag}{digest}");
            match Reference::parse(&text) {
                Ok(reference) => prop_assert_eq!(reference.to_string(), text),
                Err(error) => {
                    prop_assert!(tag.is_empty() && digest.is_empty());
                    prop_assert!(matches!(error, ReferenceError::BareName(_)));
                }
            }
        }

        #[test]
        fn accepted_text_comes_back(text in "\\PC{0,40}|[a-z:@/.]{0,20}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
