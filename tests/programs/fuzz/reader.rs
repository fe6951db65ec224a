//! Any answer of a reader, and any question. Its bytes are the file `fuzz` of the storage.

use regcarve_layout_kit::raw::{
    Audit, Collector, Damage, Failure, GcOutcome, GcPlan, Image, ImageRequest, Reader, Referrer,
    RepositoryDigest, Resolution, UnreferencedBlob, UntaggedContent, source,
};
use regcarve_test_programs::truth;
use regcarve_test_programs::wild::Wild;

const PATHS: [&str; 6] = ["manifest", "config", "layer", "forged", "symlink", "folder"];

#[derive(Default)]
struct Program {
    calls: usize,
}

impl Program {
    /// Other bytes at each call.
    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = source::read_file("fuzz").unwrap_or_default();
        let half = bytes.len().min(self.calls * 11);
        self.calls += 1;
        bytes.rotate_left(half);
        ask(&mut Wild::new(&bytes));
        bytes
    }
}

/// Asks the host whatever comes to mind.
fn ask(wild: &mut Wild<'_>) {
    for _ in 0..wild.below(3) {
        let path = wild.path(&PATHS);
        match wild.below(5) {
            0 => drop(source::read_link(&path)),
            1 => {
                let expected = wild.once_in(2).then(|| wild.digest(&[]));
                drop(source::read_blob(&path, expected.as_deref()));
            }
            2 => drop(source::read_file(&path)),
            3 => drop(source::file_size(&path)),
            _ => {
                let after = wild.once_in(2).then(|| wild.text());
                drop(source::list_directory(&path, after.as_deref()));
            }
        }
    }
}

fn resolution(wild: &mut Wild<'_>, request: &ImageRequest) -> Resolution {
    match wild.below(10) {
        7 => Resolution::NoRepository,
        8 => Resolution::Missing(wild.text()),
        9 => Resolution::Damaged(damages(wild)),
        _ => Resolution::Found(image(wild, request)),
    }
}

fn damages(wild: &mut Wild<'_>) -> Vec<Damage> {
    wild.some(4, |wild| Damage {
        path: wild.path(&PATHS),
        cause: wild.text(),
    })
}

fn image(wild: &mut Wild<'_>, request: &ImageRequest) -> Image {
    let mut image = truth(request);
    let known: Vec<_> = image
        .entries
        .iter()
        .map(|located| located.entry.digest.clone())
        .collect();
    if let Some(digest) = &request.digest
        && wild.once_in(2)
    {
        image.digest = digest.clone();
        image.entries[0].entry.digest = digest.clone();
    }
    for _ in 0..wild.below(5) {
        let at = wild.below(image.entries.len() as u32) as usize;
        match wild.below(8) {
            0 => image.entries[at].path = wild.path(&PATHS),
            // What is optional need not be there.
            1 => {
                image.entries[at].optional = true;
                image.entries[at].path = wild.path(&["manifest", "no/such/file"]);
            }
            2 => {
                let mut again = image.entries[at].clone();
                again.entry.digest = wild.digest(&[]);
                image.entries.push(again);
            }
            3 if image.entries.len() > 1 => drop(image.entries.remove(at)),
            4 => image.digest = wild.digest(&known),
            5 => image.tag = Some(wild.near("v1")),
            _ => wild.spoil(&mut image.entries[at].entry, &known),
        }
    }
    image
}

impl Reader for Program {
    fn repositories(&mut self) -> Result<Vec<String>, Failure> {
        let bytes = self.bytes();
        let wild = &mut Wild::new(&bytes);
        if wild.once_in(20) {
            return Err(wild.failure());
        }
        Ok(wild.some(4, |wild| wild.near("team/app")))
    }

    fn tags(&mut self, _: &str) -> Result<Vec<String>, Failure> {
        let bytes = self.bytes();
        let wild = &mut Wild::new(&bytes);
        if wild.once_in(20) {
            return Err(wild.failure());
        }
        Ok(wild.some(4, |wild| wild.near("v1")))
    }

    fn resolve(&mut self, _: &str, requests: Vec<ImageRequest>) -> Vec<Resolution> {
        let bytes = self.bytes();
        let wild = &mut Wild::new(&bytes);
        let mut answers: Vec<_> = requests
            .iter()
            .map(|request| resolution(wild, request))
            .collect();
        if wild.once_in(30) {
            answers.push(Resolution::Missing(wild.text()));
        }
        answers
    }

    fn referrers(&mut self, _: &str, subjects: Vec<String>) -> Vec<Referrer> {
        let bytes = self.bytes();
        let wild = &mut Wild::new(&bytes);
        if wild.once_in(2) {
            return Vec::new();
        }
        wild.some(2, |wild| {
            let tag = Some(wild.near("sha256-1.sig"));
            let request = ImageRequest { tag, digest: None };
            Referrer {
                subject: wild.digest(&subjects),
                resolution: resolution(wild, &request),
            }
        })
    }
}

/// The digest of the one true image.
fn true_digest() -> String {
    let request = ImageRequest {
        tag: None,
        digest: None,
    };
    truth(&request).digest
}

impl Audit for Program {
    fn untagged(&mut self, _: &str) -> Result<UntaggedContent, Failure> {
        let bytes = self.bytes();
        let wild = &mut Wild::new(&bytes);
        if wild.once_in(20) {
            return Err(wild.failure());
        }
        let known = [true_digest()];
        Ok(UntaggedContent {
            manifests: wild.some(3, |wild| wild.digest(&known)),
            damages: damages(wild),
        })
    }

    fn garbage(&mut self) -> Result<Vec<Collector>, Failure> {
        let bytes = self.bytes();
        let wild = &mut Wild::new(&bytes);
        let known = [true_digest()];
        let named = |wild: &mut Wild<'_>| RepositoryDigest {
            repository: wild.near("team/app"),
            digest: wild.digest(&known),
        };
        Ok(wild.some(3, |wild| Collector {
            name: wild.text(),
            outcome: match wild.below(3) {
                0 => GcOutcome::Aborts(wild.text()),
                _ => GcOutcome::Completes(GcPlan {
                    manifests: wild.some(3, named),
                    links: wild.some(3, named),
                    blobs: wild.some(3, |wild| UnreferencedBlob {
                        digest: wild.digest(&known),
                        path: wild.path(&PATHS),
                        size: wild.number(),
                    }),
                }),
            },
        }))
    }
}

regcarve_layout_kit::raw_layout!(Program, regcarve_test_programs::NoWriter, audit);
