//! Selecting: from lists and flags to the images that are asked of the reader. Patterns are expanded by what the source has.

use std::collections::{BTreeMap, HashMap};

use regcarve_types::{Pattern, Repository, Tag};

use super::Prepared;
use crate::error::Error;
use crate::release::answers::ImageRequest;
use crate::release::problem::Problem;
use crate::release::request::{Origin, Request};
use crate::wasm::roles::reader::Reader;
use crate::wasm::roles::selector::Selector;

/// The images that are asked for, each once, with the first line or flag that asked for it.
#[derive(Debug, Default)]
pub struct Selection {
    /// By repository and in the order of their requests: both sorted.
    pub by_repository: BTreeMap<Repository, BTreeMap<ImageRequest, Origin>>,
}

impl Selection {
    /// Adds a request; of two equal ones the first counts.
    pub fn add(&mut self, repository: &Repository, request: ImageRequest, origin: &Origin) {
        let requests = match self.by_repository.get_mut(repository) {
            Some(requests) => requests,
            None => self.by_repository.entry(repository.clone()).or_default(),
        };
        requests.entry(request).or_insert_with(|| origin.clone());
    }

    /// Adds these tags of a repository.
    fn add_tags<'t>(
        &mut self,
        repository: &Repository,
        tags: impl IntoIterator<Item = &'t Tag>,
        origin: &Origin,
    ) {
        for tag in tags {
            let tag = Some(tag.clone());
            self.add(repository, ImageRequest { tag, digest: None }, origin);
        }
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.by_repository.values().map(BTreeMap::len).sum()
    }

    /// True if no image is asked for.
    pub fn is_empty(&self) -> bool {
        self.by_repository.is_empty()
    }
}

/// Selects the images of a release, with a problem for each line or pattern that selects nothing.
pub fn select(
    prepared: &Prepared,
    reader: &mut Reader,
) -> Result<(Selection, Vec<Problem>), Error> {
    let (requests, mut problems) = requests(prepared)?;
    let mut catalog = Catalog::new(reader);
    if prepared.all {
        let selection = catalog.everything()?;
        problems.extend(selection.is_empty().then(empty_source));
        return Ok((selection, problems));
    }
    let (selection, unmatched) = catalog.expand(&requests)?;
    problems.extend(unmatched);
    Ok((selection, problems))
}

/// Every tag of every repository.
pub fn everything(reader: &mut Reader) -> Result<Selection, Error> {
    Catalog::new(reader).everything()
}

/// All requests of lists and flags, and a problem for each that is not a reference.
fn requests(prepared: &Prepared) -> Result<(Vec<Request>, Vec<Problem>), Error> {
    let mut requests = Vec::new();
    let mut problems = prepared.problems.clone();
    for image in &prepared.images {
        let origin = Origin::Flag("--image");
        match Pattern::parse(image) {
            Ok(pattern) => requests.push(Request { pattern, origin }),
            Err(error) => problems.push(Problem::malformed(origin, error.to_string())),
        }
    }
    if let Some(component) = &prepared.selector {
        let mut selector = Selector::start(component)?;
        for list in &prepared.lists {
            let (more, bad) = selector.parse(&list.name, &list.text)?;
            requests.extend(more);
            problems.extend(
                bad.into_iter()
                    .map(|line| Problem::malformed(line.origin, line.message)),
            );
        }
    }
    if requests.is_empty() && problems.is_empty() && !prepared.all {
        return Err(Error::Usage(
            "the lists ask for nothing: every line is blank or a comment".into(),
        ));
    }
    Ok((requests, problems))
}

/// A release of everything in an empty source is most often a wrong path.
fn empty_source() -> Problem {
    Problem::missing("every image", "the source has no image with a tag")
        .from(Origin::Flag("--all"))
        .hint("are the format and the path of the source right?")
}

/// The names in the source, each list read at most once.
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

    /// All tags of a repository; `None` if the repository does not exist.
    pub fn tags(&mut self, repository: &Repository) -> Result<Option<&[Tag]>, Error> {
        if !self.tags.contains_key(repository) {
            let tags = self.reader.tags(repository)?;
            self.tags.insert(repository.clone(), tags);
        }
        Ok(self.tags.get(repository).and_then(Option::as_deref))
    }

    /// Turns requests into a selection. A pattern that matches nothing is a problem: it is most often a misspelt name.
    fn expand(&mut self, requests: &[Request]) -> Result<(Selection, Vec<Problem>), Error> {
        let mut selection = Selection::default();
        let mut problems = Vec::new();
        for request in requests {
            let Request { pattern, origin } = request;
            if let Some(reference) = pattern.exact() {
                let image = ImageRequest {
                    tag: reference.tag().cloned(),
                    digest: reference.digest(),
                };
                selection.add(reference.repository(), image, origin);
            } else if self.expand_pattern(pattern, origin, &mut selection)? == 0 {
                let cause = "no image in the source matches this pattern";
                problems.push(Problem::missing(pattern.to_string(), cause).from(origin.clone()));
            }
        }
        Ok((selection, problems))
    }

    /// Adds the images that a pattern matches; returns their number.
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
            let tags = self.tags(repository)?.unwrap_or_default();
            let matching = tags.iter().filter(|tag| pattern.matches_tag(tag.as_str()));
            count += matching.clone().count();
            selection.add_tags(repository, matching, origin);
        }
        Ok(count)
    }

    /// All tags of all repositories.
    fn everything(&mut self) -> Result<Selection, Error> {
        let mut selection = Selection::default();
        for repository in self.repositories()?.to_vec() {
            let tags = self.tags(&repository)?.unwrap_or_default();
            selection.add_tags(&repository, tags, &Origin::Flag("--all"));
        }
        Ok(selection)
    }

    /// All tags of all repositories, with the repositories, and the problems of those that cannot be listed.
    pub fn inventory(&mut self) -> Result<Inventory, Error> {
        let mut inventory = Inventory::default();
        let repositories = self.repositories().map(<[_]>::to_vec);
        for repository in inventory.note(repositories)?.unwrap_or_default() {
            let tags = self.tags(&repository).map(Option::unwrap_or_default);
            if let Some(tags) = inventory.note(tags)? {
                let all = Origin::Flag("--all");
                inventory.selection.add_tags(&repository, tags, &all);
            }
            inventory.repositories.push(repository);
        }
        Ok(inventory)
    }
}

/// Everything that a storage lists.
#[derive(Default)]
pub struct Inventory {
    /// All repositories.
    pub repositories: Vec<Repository>,
    /// All tags.
    pub selection: Selection,
    /// Lists that cannot be read.
    pub problems: Vec<Problem>,
}

impl Inventory {
    /// The value, if there is one; problems of the storage are noted, other errors are passed on.
    fn note<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::Problems(problems)) => {
                self.problems.extend(problems);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
