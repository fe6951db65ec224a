//! From requests to selection: patterns are expanded from what the source has.

use std::collections::{BTreeMap, HashMap};

use regcarve_types::{Pattern, Repository, Tag};

use crate::error::Error;
use crate::release::answers::ImageRequest;
use crate::release::problem::{Problem, Severity};
use crate::release::request::{Origin, Request};
use crate::wasm::roles::reader::Reader;

/// What is wanted of each repository, each thing once, with the first that asked for it.
#[derive(Debug, Default)]
pub struct Selection {
    /// By repository and in the order of its selection: both sorted.
    pub by_repository: BTreeMap<Repository, BTreeMap<ImageRequest, Origin>>,
}

impl Selection {
    /// Adds a wish; of two that are the same the first one counts.
    pub fn add(&mut self, repository: &Repository, wanted: ImageRequest, origin: &Origin) {
        let selection = match self.by_repository.get_mut(repository) {
            Some(selection) => selection,
            None => self.by_repository.entry(repository.clone()).or_default(),
        };
        selection.entry(wanted).or_insert_with(|| origin.clone());
    }

    /// How many images are wanted.
    pub fn len(&self) -> usize {
        self.by_repository.values().map(BTreeMap::len).sum()
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.by_repository.is_empty()
    }
}

/// Names in the source, each list read at most once.
pub struct Catalog<'r> {
    reader: &'r mut Reader,
    repositories: Option<Vec<Repository>>,
    tags: HashMap<Repository, Option<Vec<Tag>>>,
}

impl<'r> Catalog<'r> {
    /// Nothing is read yet.
    pub fn new(reader: &'r mut Reader) -> Self {
        Self {
            reader,
            repositories: None,
            tags: HashMap::new(),
        }
    }

    /// All repositories.
    pub fn repositories(&mut self) -> Result<&[Repository], Error> {
        match &mut self.repositories {
            Some(repositories) => Ok(repositories),
            empty => Ok(empty.insert(self.reader.repositories()?)),
        }
    }

    /// All tags of a repository; `None` where there is no such repository.
    pub fn tags(&mut self, repository: &Repository) -> Result<Option<&[Tag]>, Error> {
        if !self.tags.contains_key(repository) {
            let tags = self.reader.tags(repository)?;
            self.tags.insert(repository.clone(), tags);
        }
        Ok(self.tags.get(repository).and_then(Option::as_deref))
    }

    /// Turns requests into selection. A pattern that matches nothing is a problem: it is most often a misspelt name.
    pub fn expand(&mut self, requests: &[Request]) -> Result<(Selection, Vec<Problem>), Error> {
        let mut selection = Selection::default();
        let mut problems = Vec::new();
        for request in requests {
            match request.pattern.exact() {
                Some(reference) => {
                    let wanted = ImageRequest {
                        tag: reference.tag().cloned(),
                        digest: reference.digest(),
                    };
                    selection.add(reference.repository(), wanted, &request.origin);
                }
                None => {
                    if self.expand_pattern(&request.pattern, &request.origin, &mut selection)? == 0
                    {
                        problems.push(Problem {
                            severity: Severity::Missing,
                            reference: request.pattern.to_string(),
                            origin: Some(request.origin.clone()),
                            path: None,
                            cause: "no image in the source matches this pattern".into(),
                            hint: None,
                        });
                    }
                }
            }
        }
        Ok((selection, problems))
    }

    /// Adds what a pattern matches; returns how many.
    fn expand_pattern(
        &mut self,
        pattern: &Pattern,
        origin: &Origin,
        selection: &mut Selection,
    ) -> Result<usize, Error> {
        let repositories = match pattern.repository() {
            Some(repository) => vec![repository.clone()],
            None => {
                let all = self.repositories()?;
                all.iter()
                    .filter(|name| pattern.matches_repository(name.as_str()))
                    .cloned()
                    .collect()
            }
        };
        let mut count = 0;
        for repository in &repositories {
            for tag in self.tags(repository)?.unwrap_or_default() {
                if pattern.matches_tag(tag.as_str()) {
                    selection.add(
                        repository,
                        ImageRequest {
                            tag: Some(tag.clone()),
                            digest: None,
                        },
                        origin,
                    );
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// All tags of all repositories.
    pub fn everything(&mut self, origin: &Origin) -> Result<Selection, Error> {
        let mut selection = Selection::default();
        for repository in self.repositories()?.to_vec() {
            for tag in self.tags(&repository)?.unwrap_or_default() {
                selection.add(
                    &repository,
                    ImageRequest {
                        tag: Some(tag.clone()),
                        digest: None,
                    },
                    origin,
                );
            }
        }
        Ok(selection)
    }
}
