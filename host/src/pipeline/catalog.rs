//! From requests to wishes: patterns are expanded from what the source has.

use std::collections::{BTreeMap, HashMap};

use regcarve_names::{Pattern, Repository, Tag};

use super::problem::{Problem, Severity};
use super::request::{Origin, Request};
use crate::error::Error;
use crate::wasm::reader::{Reader, Wanted};

/// What is wanted of each repository, each thing once, with the first that asked for it.
#[derive(Debug, Default)]
pub struct Wishes {
    /// By repository and in the order of its wishes: both sorted.
    pub by_repository: BTreeMap<Repository, BTreeMap<Wanted, Origin>>,
}

impl Wishes {
    /// Adds a wish; of two that are the same the first one counts.
    pub fn add(&mut self, repository: &Repository, wanted: Wanted, origin: &Origin) {
        let wishes = match self.by_repository.get_mut(repository) {
            Some(wishes) => wishes,
            None => self.by_repository.entry(repository.clone()).or_default(),
        };
        wishes.entry(wanted).or_insert_with(|| origin.clone());
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

    /// Turns requests into wishes. A pattern that matches nothing is a problem: it is most often a misspelt name.
    pub fn expand(&mut self, requests: &[Request]) -> Result<(Wishes, Vec<Problem>), Error> {
        let mut wishes = Wishes::default();
        let mut problems = Vec::new();
        for request in requests {
            match request.pattern.exact() {
                Some(reference) => {
                    let wanted = Wanted {
                        tag: reference.tag().cloned(),
                        digest: reference.digest(),
                    };
                    wishes.add(reference.repository(), wanted, &request.origin);
                }
                None => {
                    if self.expand_pattern(&request.pattern, &request.origin, &mut wishes)? == 0 {
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
        Ok((wishes, problems))
    }

    /// Adds what a pattern matches; returns how many.
    fn expand_pattern(
        &mut self,
        pattern: &Pattern,
        origin: &Origin,
        wishes: &mut Wishes,
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
                    wishes.add(
                        repository,
                        Wanted {
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
    pub fn everything(&mut self, origin: &Origin) -> Result<Wishes, Error> {
        let mut wishes = Wishes::default();
        for repository in self.repositories()?.to_vec() {
            for tag in self.tags(&repository)?.unwrap_or_default() {
                wishes.add(
                    &repository,
                    Wanted {
                        tag: Some(tag.clone()),
                        digest: None,
                    },
                    origin,
                );
            }
        }
        Ok(wishes)
    }
}
