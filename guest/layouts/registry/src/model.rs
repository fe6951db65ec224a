//! A storage as garbage collectors see it, read once for all of them.
//!
//! Collectors see less than a reader does: they believe every link, hash nothing, and know a manifest only by its
//! revision link. What stops a collector is kept where it would meet it, since whether it gets there depends on
//! the collector.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use regcarve_formats::Manifest;
use regcarve_formats::registry::Place;
use regcarve_layout_kit::raw::{Failure, source};
use regcarve_layout_kit::{cause, directories, entries};
use regcarve_types::{Algorithm, Digest, Repository};

use crate::reader::read_link;

/// Why a collector gives up.
pub(crate) type Stop = String;

/// The whole storage.
#[derive(Default)]
pub(crate) struct Model {
    /// In the order in which collectors walk.
    pub(crate) repositories: Vec<Repo>,
    /// Size of every blob there is.
    pub(crate) blobs: BTreeMap<Digest, u64>,
    /// What stops a collector while it lists the blobs.
    pub(crate) unlistable: Option<Stop>,
    manifests: RefCell<HashMap<Digest, Result<Referring, Stop>>>,
}

/// What a collector makes of a manifest.
#[derive(Clone)]
pub(crate) struct Referring {
    /// Whether it is of the first schema, which registry 3 does not know.
    pub(crate) schema1: bool,
    /// Digests that it names, without its `subject`.
    pub(crate) digests: Vec<Digest>,
}

/// A repository.
pub(crate) struct Repo {
    pub(crate) name: Repository,
    /// Revision links in their order.
    pub(crate) revisions: Links,
    /// Layer links in their order; none without the folder.
    pub(crate) layers: Option<Links>,
    /// What tags name; none without the folder.
    pub(crate) tags: Option<Vec<Result<Digest, Stop>>>,
}

/// Links: what they say, or what stops the collector.
#[derive(Default)]
pub(crate) struct Links {
    /// In the order of their paths.
    targets: Vec<Result<Digest, Stop>>,
    /// Positions of those whose path is made of a digest.
    by_digest: HashMap<Digest, usize>,
}

impl Links {
    /// What links say, in the order of their paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Result<Digest, Stop>> {
        self.targets.iter()
    }

    /// What the link for this digest says.
    pub(crate) fn get(&self, digest: Digest) -> Option<&Result<Digest, Stop>> {
        self.by_digest.get(&digest).map(|at| &self.targets[*at])
    }
}

impl Model {
    /// Reads what collectors read.
    pub(crate) fn read(repositories: &[String]) -> Result<Self, Failure> {
        let mut model = Self::default();
        model.list_blobs();
        for name in repositories {
            let Ok(name) = Repository::parse(name) else {
                continue;
            };
            model.repositories.push(Repo::read(name)?);
        }
        // A walk goes down before it goes on: `a/b` comes before `a-b`.
        let order = |repo: &Repo| -> Vec<String> {
            repo.name.as_str().split('/').map(str::to_owned).collect()
        };
        model.repositories.sort_by_cached_key(order);
        Ok(model)
    }

    /// What a manifest names. Read when a collector first asks.
    pub(crate) fn references(&self, digest: Digest) -> Result<Referring, Stop> {
        if let Some(known) = self.manifests.borrow().get(&digest) {
            return known.clone();
        }
        let read = references(digest);
        self.manifests.borrow_mut().insert(digest, read.clone());
        read
    }

    fn list_blobs(&mut self) {
        let root = Place::Blobs.path();
        let mut stop = None;
        let mut list = |path: &str| {
            directories(path).unwrap_or_else(|failure| {
                stop.get_or_insert_with(|| format!("{path}: {}", cause(failure)));
                Vec::new()
            })
        };
        let mut odd = None;
        for algorithm in list(&root) {
            for start in list(&format!("{root}/{algorithm}")) {
                for hex in list(&format!("{root}/{algorithm}/{start}")) {
                    let path = format!("{root}/{algorithm}/{start}/{hex}/data");
                    let Ok(size) = source::file_size(&path) else {
                        continue;
                    };
                    let digest = Algorithm::from_name(&algorithm)
                        .and_then(|algorithm| Digest::from_hex(algorithm, &hex).ok());
                    match digest {
                        Some(digest) => {
                            self.blobs.insert(digest, size);
                        }
                        None => {
                            odd = odd.or_else(|| Some(format!("{path}: not named by a digest")))
                        }
                    }
                }
            }
        }
        self.unlistable = stop.or(odd);
    }
}

impl Repo {
    fn read(name: Repository) -> Result<Self, Failure> {
        let repository = &name;
        let revisions = format!("{}/_manifests/revisions", Place::Repository { repository });
        let revisions = links(&revisions)?.unwrap_or_default();
        let layers = links(&Place::Layers { repository }.path())?;
        let tags = tags(&Place::Tags { repository }.path())?;
        Ok(Self {
            name,
            revisions,
            layers,
            tags,
        })
    }
}

fn references(digest: Digest) -> Result<Referring, Stop> {
    let path = Place::BlobData { digest }.path();
    let stop = |text: String| format!("{path}: {text}");
    // No collector hashes what it reads.
    let blob = source::read_blob(&path, None).map_err(|failure| stop(cause(failure)))?;
    let manifest = Manifest::parse(&blob.bytes).map_err(|error| stop(error.to_string()))?;
    let schema1 = matches!(manifest, Manifest::Schema1(_));
    let digests = match manifest {
        Manifest::Index(index) => index.manifests.iter().map(|one| one.digest).collect(),
        Manifest::Image(image) => std::iter::once(&image.config)
            .chain(&image.layers)
            .map(|one| one.digest)
            .collect(),
        Manifest::Schema1(schema1) => schema1.layers,
    };
    Ok(Referring { schema1, digests })
}

/// The links in `folder/<algorithm>/<hex>/link`; nothing without the folder.
fn links(folder: &str) -> Result<Option<Links>, Failure> {
    let algorithms = match directories(folder) {
        Ok(algorithms) => algorithms,
        Err(Failure::NotFound) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let mut links = Links::default();
    for name in algorithms {
        for hex in directories(&format!("{folder}/{name}"))? {
            let digest = Algorithm::from_name(&name)
                .and_then(|algorithm| Digest::from_hex(algorithm, &hex).ok());
            if let Some(target) = link(&format!("{folder}/{name}/{hex}/link")) {
                links
                    .by_digest
                    .extend(digest.map(|digest| (digest, links.targets.len())));
                links.targets.push(target);
            }
        }
    }
    Ok(Some(links))
}

/// What each tag names; nothing without the folder.
fn tags(folder: &str) -> Result<Option<Vec<Result<Digest, Stop>>>, Failure> {
    let entries = match entries(folder) {
        Ok(entries) => entries,
        Err(Failure::NotFound) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let links = entries
        .iter()
        .filter_map(|entry| link(&format!("{folder}/{}/current/link", entry.name)));
    Ok(Some(links.collect()))
}

fn link(path: &str) -> Option<Result<Digest, Stop>> {
    match read_link(path) {
        Ok(target) => target.map(Ok),
        Err(damage) => Some(Err(format!("{}: {}", damage.path, damage.cause))),
    }
}
