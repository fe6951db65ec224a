//! A line of a list: a reference, or a pattern of references.
//!
//! ```text
//!   library/nginx:1.27      exactly this image
//!   library/nginx:1.*       these tags of this repository
//!   library/*:latest        this tag in these repositories
//!   **/app:{1,2}.*          both
//! ```
//!
//! A line is a pattern as soon as it contains a character that only globs have. Its two parts are
//! asked separately, because a storage is listed that way: first repositories, then their tags.
//! A part without wildcards is known by name and need not be searched for.
use std::fmt;
use std::str::FromStr;

use crate::excerpt::Excerpt;
use crate::glob::{Glob, GlobError, is_syntax};
use crate::reference::{Reference, ReferenceError};
use crate::repository::{Repository, RepositoryError, Tag, TagError, refuse_location};

/// A reference or a pattern of references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Exact(Reference),
    Wild {
        repository: Part<Repository>,
        tag: Part<Tag>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part<T> {
    Named(T),
    Matching(Glob),
}

impl<T: AsRef<str>> Part<T> {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Named(name) => name.as_ref() == text,
            Self::Matching(glob) => glob.matches(text),
        }
    }

    const fn named(&self) -> Option<&T> {
        match self {
            Self::Named(name) => Some(name),
            Self::Matching(_) => None,
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Named(name) => name.as_ref(),
            Self::Matching(glob) => glob.as_str(),
        }
    }
}

impl Pattern {
    /// Reads a reference or a pattern; the whole text must be one.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if !text.contains(is_syntax) {
            return Ok(Self(Form::Exact(Reference::parse(text)?)));
        }
        refuse_location(text)?;
        if text.contains('@') {
            return Err(PatternError::Digest);
        }
        let (repository, tag) = text
            .split_once(':')
            .ok_or_else(|| PatternError::NoTags(Excerpt::of(text)))?;
        Ok(Self(Form::Wild {
            repository: repository_part(repository)?,
            tag: tag_part(tag)?,
        }))
    }

    /// The reference, if this is one and not a pattern.
    pub const fn exact(&self) -> Option<&Reference> {
        match &self.0 {
            Form::Exact(reference) => Some(reference),
            Form::Wild { .. } => None,
        }
    }

    /// The repository, if there is only one that can match.
    pub const fn repository(&self) -> Option<&Repository> {
        match &self.0 {
            Form::Exact(reference) => Some(reference.repository()),
            Form::Wild { repository, .. } => repository.named(),
        }
    }

    /// The tag, if there is only one that can match.
    pub const fn tag(&self) -> Option<&Tag> {
        match &self.0 {
            Form::Exact(reference) => reference.tag(),
            Form::Wild { tag, .. } => tag.named(),
        }
    }

    /// Returns true if images of this repository can match.
    pub fn matches_repository(&self, name: &str) -> bool {
        match &self.0 {
            Form::Exact(reference) => reference.repository().as_str() == name,
            Form::Wild { repository, .. } => repository.matches(name),
        }
    }

    /// Returns true if this tag matches, in a repository that does. A reference by digest alone
    /// matches no tag.
    pub fn matches_tag(&self, name: &str) -> bool {
        match &self.0 {
            Form::Exact(reference) => reference.tag().is_some_and(|tag| tag.as_str() == name),
            Form::Wild { tag, .. } => tag.matches(name),
        }
    }
}

fn repository_part(text: &str) -> Result<Part<Repository>, PatternError> {
    if !text.contains(is_syntax) {
        return Ok(Part::Named(Repository::parse(text)?));
    }
    // Such a glob is well formed, but it matches nothing, and the list would not say why.
    if let Some((index, letter)) = text.char_indices().find(|(_, c)| c.is_ascii_uppercase()) {
        let position = text[..index].chars().count() + 1;
        return Err(RepositoryError::wrong_letter(letter, position).into());
    }
    Glob::parse(text)
        .map(Part::Matching)
        .map_err(PatternError::RepositoryGlob)
}

fn tag_part(text: &str) -> Result<Part<Tag>, PatternError> {
    if !text.contains(is_syntax) {
        return Ok(Part::Named(Tag::parse(text)?));
    }
    if let Some(index) = text.find('/') {
        let position = text[..index].chars().count() + 1;
        let letter = '/';
        return Err(TagError::Letter { letter, position }.into());
    }
    Glob::parse(text)
        .map(Part::Matching)
        .map_err(PatternError::TagGlob)
}

impl From<Reference> for Pattern {
    fn from(reference: Reference) -> Self {
        Self(Form::Exact(reference))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Exact(reference) => f.pad(&reference.to_string()),
            Form::Wild { repository, tag } => {
                write!(f, "{}:{}", repository.as_str(), tag.as_str())
            }
        }
    }
}

/// The reason why a text is neither a reference nor a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It has no wildcards, and it is not a reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The part before the colon is not the name of a repository.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The part behind the colon is not a tag.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The part before the colon is not a glob.
    #[error("in the pattern for repositories: {0}")]
    RepositoryGlob(#[source] GlobError),
    /// The part behind the colon is not a glob.
    #[error("in the pattern for tags: {0}")]
    TagGlob(#[source] GlobError),
    /// There are wildcards and a digest.
    #[error("a digest names one image, so nothing beside it can be a pattern")]
    Digest,
    /// The pattern says nothing about tags.
    #[error("`{0}` names no tags: write `{0}:latest` for one tag or `{0}:*` for all")]
    NoTags(Excerpt),
}

#[cfg(test)]
mod tests;
