//! A storage as garbage collectors see it, read once for all of them.
//!
//! Collectors see less than a reader does: they believe every link, hash nothing, and know a manifest only by its
//! revision link. An error that stops a collector is kept where the collector would meet it: not every collector gets
//! there.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use regcarve_formats::Manifest;
use regcarve_formats::registry::{Place, parse};
use regcarve_layout_kit::{Damage, source};
use regcarve_types::{Digest, Repository};

/// The error with which a collector stops.
pub(crate) type GcError = String;

/// The whole storage.
#[derive(Default)]
pub(crate) struct Model {
    /// In the order in which collectors walk.
    pub(crate) repositories: Vec<Repo>,
    /// Size of every blob there is.
    pub(crate) blobs: BTreeMap<Digest, u64>,
    /// The error that stops a collector while it lists the blobs.
    pub(crate) unlistable: Option<GcError>,
    manifests: RefCell<HashMap<Digest, Result<References, GcError>>>,
}

/// The digests that a collector finds in a manifest.
#[derive(Clone)]
pub(crate) struct References {
    /// It is of schema 1, which registry 3 does not know.
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
    /// The digests that tags name; none without the folder.
    pub(crate) tags: Option<Vec<Result<Digest, GcError>>>,
}

/// Links: the digest in each, or the error that stops the collector.
#[derive(Default)]
pub(crate) struct Links {
    /// In the order of their paths.
    targets: Vec<Result<Digest, GcError>>,
    /// Positions of those whose path is made of a digest.
    by_digest: HashMap<Digest, usize>,
}

impl Links {
    /// The digests in the links, in the order of their paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Result<Digest, GcError>> {
        self.targets.iter()
    }

    /// The digest in the link of this digest.
    pub(crate) fn get(&self, digest: Digest) -> Option<&Result<Digest, GcError>> {
        self.by_digest.get(&digest).map(|at| &self.targets[*at])
    }
}

impl Model {
    /// Reads everything that collectors read.
    pub(crate) fn read(repositories: Vec<Repository>) -> Result<Self, Damage> {
        let repositories = repositories.into_iter().map(Repo::read);
        let mut model = Self {
            repositories: repositories.collect::<Result<_, _>>()?,
            ..Self::default()
        };
        // A walk goes down before it goes on: `a/b` comes before `a-b`.
        let order = |repo: &Repo| -> Vec<String> {
            repo.name.as_str().split('/').map(str::to_owned).collect()
        };
        model.repositories.sort_by_cached_key(order);
        model.list_blobs();
        Ok(model)
    }

    /// The digests that a manifest names. Read when a collector first asks.
    pub(crate) fn references(&self, digest: Digest) -> Result<References, GcError> {
        if let Some(known) = self.manifests.borrow().get(&digest) {
            return known.clone();
        }
        let read = references(digest);
        self.manifests.borrow_mut().insert(digest, read.clone());
        read
    }

    fn list_blobs(&mut self) {
        let root = Place::Blobs.path();
        let (mut unlistable, mut odd) = (None, None);
        let mut list = |path: &str| {
            list(path).unwrap_or_else(|error| {
                unlistable.get_or_insert(error);
                Vec::new()
            })
        };
        for algorithm in list(&root) {
            for start in list(&format!("{root}/{algorithm}")) {
                for hex in list(&format!("{root}/{algorithm}/{start}")) {
                    let path = format!("{root}/{algorithm}/{start}/{hex}/data");
                    let Ok(Some(size)) = source::file_size(&path) else {
                        continue;
                    };
                    match parse(&path)
                        .ok()
                        .and_then(|place| place.as_place().digest())
                    {
                        Some(digest) => drop(self.blobs.insert(digest, size)),
                        None => {
                            odd.get_or_insert_with(|| format!("{path}: not named by a digest"));
                        }
                    }
                }
            }
        }
        self.unlistable = unlistable.or(odd);
    }
}

impl Repo {
    fn read(name: Repository) -> Result<Self, Damage> {
        let repository = &name;
        let revisions = links(Place::Revisions { repository })?.unwrap_or_default();
        let layers = links(Place::Layers { repository })?;
        let tags = tags(Place::Tags { repository })?;
        Ok(Self {
            name,
            revisions,
            layers,
            tags,
        })
    }
}

/// The directories in a directory that has to be there.
fn list(path: &str) -> Result<Vec<String>, GcError> {
    let directories = source::directories(path).map_err(error)?;
    directories.ok_or_else(|| format!("{path}: there is no such folder"))
}

fn references(digest: Digest) -> Result<References, GcError> {
    let path = Place::BlobData { digest }.path();
    // No collector hashes what it reads.
    let Some((_, bytes)) = source::find_blob(&path).map_err(error)? else {
        return Err(format!("{path}: there is no such file"));
    };
    let manifest = Manifest::parse(&bytes).map_err(|error| format!("{path}: {error}"))?;
    let schema1 = matches!(manifest, Manifest::Schema1(_));
    let digests = match manifest {
        Manifest::Index(index) => index.manifests.iter().map(|one| one.digest).collect(),
        Manifest::Image(image) => std::iter::once(&image.config)
            .chain(&image.layers)
            .map(|one| one.digest)
            .collect(),
        Manifest::Schema1(schema1) => schema1.layers,
    };
    Ok(References { schema1, digests })
}

/// The links in `folder/<algorithm>/<hex>/link`; `None` without the folder.
fn links(folder: Place<'_>) -> Result<Option<Links>, Damage> {
    let folder = folder.path();
    let Some(algorithms) = source::directories(&folder)? else {
        return Ok(None);
    };
    let mut links = Links::default();
    for algorithm in algorithms {
        let path = format!("{folder}/{algorithm}");
        for hex in source::directories(&path)?.unwrap_or_default() {
            let path = format!("{path}/{hex}/link");
            let digest = parse(&path)
                .ok()
                .and_then(|place| place.as_place().digest());
            if let Some(target) = link(&path) {
                links
                    .by_digest
                    .extend(digest.map(|digest| (digest, links.targets.len())));
                links.targets.push(target);
            }
        }
    }
    Ok(Some(links))
}

/// The digests that tags name; `None` without the folder.
fn tags(folder: Place<'_>) -> Result<Option<Vec<Result<Digest, GcError>>>, Damage> {
    let folder = folder.path();
    let entries = source::entries(&folder)?;
    let current = |name: &str| link(&format!("{folder}/{name}/current/link"));
    let links = |entries: Vec<source::DirectoryEntry>| {
        let links = entries.iter().filter_map(|entry| current(&entry.name));
        links.collect()
    };
    Ok(entries.map(links))
}

fn link(path: &str) -> Option<Result<Digest, GcError>> {
    source::read_link(path).map_err(error).transpose()
}

fn error(damage: Damage) -> GcError {
    format!("{}: {}", damage.path, damage.cause)
}
