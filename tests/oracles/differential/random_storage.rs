//! A random storage and a random list: layers that many images share, indexes in indexes, attestations, referrers
//! of images and of one another, tags that name nothing, and damage.

use std::path::PathBuf;

use fastrand::Rng;
use regcarve_test_support::digest::Digest;
use regcarve_test_support::faults;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::package::{Package, Piece};
use regcarve_test_support::shapes::{self, Flavour};
use regcarve_test_support::storage::Storage;

use super::damage;

const REPOSITORIES: [&str; 6] = [
    "a",
    "a/b",
    "a/b/c",
    "team/app",
    "team/app-x",
    "library/nginx",
];
const TAGS: [&str; 5] = ["latest", "v1", "v1.2", "_x", "2024"];
const PLATFORMS: [&str; 3] = ["linux/amd64", "linux/arm64", "windows/amd64"];

/// The list and the story of the storage that [`make`] made.
pub(crate) struct Release {
    pub(crate) list: PathBuf,
    /// Everything that was done to it on purpose, for messages.
    pub(crate) story: Vec<String>,
}

/// A random storage, and a list beside it.
pub(crate) type RandomStorage = Fixture<Release>;

/// The storage with this number; the same in every run.
pub(crate) fn make(seed: u64) -> RandomStorage {
    Fixture::new().with(|fixture| {
        let mut rng = Rng::with_seed(seed);
        let layers = (0..rng.usize(2..7))
            .map(|number| layer(&mut rng, number))
            .collect();
        let mut maker = Maker {
            rng,
            storage: &fixture.storage,
            layers,
            stored: Vec::new(),
        };
        maker.fill();
        let lines = maker.lines();
        let mut rng = maker.rng;
        let story = damage::plant(&mut rng, &fixture.storage);
        let list = fixture.write("release.list", lines.join("\n"));
        Release {
            list: list.into(),
            story,
        }
    })
}

/// One stored package, with its repository and its tag.
struct Stored {
    repository: &'static str,
    tag: Option<String>,
    package: Package,
}

struct Maker<'a> {
    rng: Rng,
    storage: &'a Storage,
    layers: Vec<Piece>,
    stored: Vec<Stored>,
}

fn layer(rng: &mut Rng, number: usize) -> Piece {
    let piece = shapes::layer_of(&format!("layer {number}"), rng.usize(0..900));
    match rng.u8(0..10) {
        0 => piece.by_sha512(),
        1 => piece.elsewhere(),
        _ => piece,
    }
}

impl Maker<'_> {
    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())]
    }

    fn fill(&mut self) {
        for _ in 0..self.rng.usize(2..6) {
            let repository = self.one_of(&REPOSITORIES);
            for _ in 0..self.rng.usize(1..4) {
                let package = self.package();
                let tag = self.one_of(&TAGS).to_owned();
                self.store(repository, Some(tag), package.clone());
                self.artifacts(repository, &package);
            }
            if self.rng.bool() {
                let untagged = self.package();
                self.store(repository, None, untagged);
            }
        }
        // The same image in another repository.
        if self.rng.bool() {
            let package = self.stored[self.rng.usize(..self.stored.len())]
                .package
                .clone();
            let (repository, tag) = (self.one_of(&REPOSITORIES), self.one_of(&TAGS).to_owned());
            self.store(repository, Some(tag), package);
        }
    }

    fn store(&mut self, repository: &'static str, tag: Option<String>, package: Package) {
        package.store(self.storage, repository, tag.as_deref());
        self.stored.push(Stored {
            repository,
            tag,
            package,
        });
    }

    fn image(&mut self) -> Package {
        let name = format!("image {}", self.rng.u8(0..20));
        let count = self.rng.usize(0..4);
        let layers: Vec<Piece> = (0..count)
            .map(|_| self.layers[self.rng.usize(..self.layers.len())].clone())
            .collect();
        let flavour = self.flavour();
        let platform = self.one_of(&PLATFORMS);
        shapes::image_of(flavour, &name, platform, &layers).on(platform)
    }

    fn flavour(&mut self) -> Flavour {
        self.one_of(&[Flavour::Docker, Flavour::Oci])
    }

    fn package(&mut self) -> Package {
        let name = format!("package {}", self.rng.u8(0..9));
        match self.rng.u8(0..10) {
            0..=3 => self.image(),
            4 => shapes::multi(self.flavour(), &name, &PLATFORMS[..self.rng.usize(1..4)]),
            5 => shapes::buildkit(&name, &PLATFORMS[..2]),
            6 => shapes::nested(&name, self.rng.usize(1..4)),
            7 => shapes::chart(&name),
            8 => shapes::index(Flavour::Oci, &[]),
            _ => {
                let children: Vec<_> = (0..self.rng.usize(1..4)).map(|_| self.image()).collect();
                shapes::index(self.flavour(), &children)
            }
        }
    }

    /// Referrers of some manifests of an image, and referrers of these.
    fn artifacts(&mut self, repository: &'static str, package: &Package) {
        let manifests: Vec<Package> = package.manifests().into_iter().cloned().collect();
        let mut subject = manifests[self.rng.usize(..manifests.len())].clone();
        while self.rng.u8(0..3) == 0 {
            let (tag, artifact) = match self.rng.u8(0..4) {
                0 => {
                    let referrer =
                        shapes::artifact("text/plain", &[shapes::layer("note")], Some(&subject));
                    (
                        shapes::attached_tag(&subject, None),
                        shapes::referrers(&[referrer]),
                    )
                }
                kind => {
                    let kind = ["sig", "att", "sbom"][usize::from(kind) - 1];
                    (
                        shapes::attached_tag(&subject, Some(kind)),
                        shapes::cosign(kind, &subject),
                    )
                }
            };
            self.store(repository, Some(tag), artifact.clone());
            if self.rng.bool() {
                subject = artifact;
            }
        }
    }

    /// The lines of the list: mostly they ask for images that are there, in all forms; sometimes for others.
    fn lines(&mut self) -> Vec<String> {
        let mut lines = vec!["# a release".to_owned(), String::new()];
        for _ in 0..self.rng.usize(1..6) {
            let position = self.rng.usize(..self.stored.len());
            let pick = self.rng.u8(0..12);
            let Stored {
                repository,
                tag,
                package,
            } = &self.stored[position];
            let (digest, tag) = (package.digest(), tag.as_deref());
            let manifests = package.manifests();
            let any = manifests[self.rng.usize(..manifests.len())].digest();
            lines.push(match (pick, tag) {
                (0, _) => format!("{repository}@{any}"),
                (1, _) | (_, None) => format!("{repository}@{digest}"),
                // Perhaps the tag was moved since.
                (2, Some(tag)) => format!("{repository}:{tag}@{digest}"),
                (3, Some(tag)) => format!("{repository}:{tag} # with a comment"),
                (_, Some(tag)) => format!("{repository}:{tag}"),
            });
        }
        if self.rng.u8(0..5) == 0 {
            let repository = self.one_of(&REPOSITORIES);
            lines.push(match self.rng.u8(0..3) {
                0 => format!("{repository}:no-such-tag"),
                1 => "no/such/repository:v1".into(),
                _ => format!("{repository}@{}", Digest::of(b"no such manifest")),
            });
        }
        if self.rng.u8(0..8) == 0 {
            // A tag that never got its link: registries list it and serve nothing.
            let repository = self.one_of(&REPOSITORIES);
            faults::stray(
                self.storage
                    .repository_path(repository)
                    .join("_manifests/tags/half/index/x"),
                b"",
            );
            lines.push(format!("{repository}:half"));
        }
        lines
    }
}
