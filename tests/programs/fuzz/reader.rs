//! Any answer of a reader, and any question. Its bytes are the file `fuzz` of the storage.

use regcarve_policy_kit::Failure;
use regcarve_policy_kit::layout::{
    Attachment, Collection, Condemned, Damage, Forecast, Image, Named, Reader, Resolution, Sweep,
    Wanted, source,
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

fn resolution(wild: &mut Wild<'_>, wanted: &Wanted) -> Resolution {
    match wild.below(10) {
        8 => Resolution::Missing(wild.text()),
        9 => Resolution::Damaged(damages(wild)),
        _ => Resolution::Found(image(wild, wanted)),
    }
}

fn damages(wild: &mut Wild<'_>) -> Vec<Damage> {
    wild.some(4, |wild| Damage {
        path: wild.path(&PATHS),
        cause: wild.text(),
    })
}

fn image(wild: &mut Wild<'_>, wanted: &Wanted) -> Image {
    let mut image = truth(wanted);
    let known: Vec<_> = image
        .contents
        .iter()
        .map(|located| located.content.digest.clone())
        .collect();
    if let Some(digest) = &wanted.digest
        && wild.once_in(2)
    {
        image.digest = digest.clone();
        image.contents[0].content.digest = digest.clone();
    }
    for _ in 0..wild.below(5) {
        let at = wild.below(image.contents.len() as u32) as usize;
        match wild.below(8) {
            0 => image.contents[at].path = wild.path(&PATHS),
            // What is optional need not be there.
            1 => {
                image.contents[at].optional = true;
                image.contents[at].path = wild.path(&["manifest", "no/such/file"]);
            }
            2 => {
                let mut again = image.contents[at].clone();
                again.content.digest = wild.digest(&[]);
                image.contents.push(again);
            }
            3 if image.contents.len() > 1 => drop(image.contents.remove(at)),
            4 => image.digest = wild.digest(&known),
            5 => image.tag = Some(wild.near("v1")),
            _ => wild.spoil(&mut image.contents[at].content, &known),
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

    fn resolve(&mut self, _: &str, wanted: Vec<Wanted>) -> Vec<Resolution> {
        let bytes = self.bytes();
        let wild = &mut Wild::new(&bytes);
        let mut answers: Vec<_> = wanted
            .iter()
            .map(|wanted| resolution(wild, wanted))
            .collect();
        if wild.once_in(30) {
            answers.push(Resolution::Missing(wild.text()));
        }
        answers
    }

    fn attached(&mut self, _: &str, manifests: &[String]) -> Vec<Attachment> {
        let bytes = self.bytes();
        let wild = &mut Wild::new(&bytes);
        if wild.once_in(2) {
            return Vec::new();
        }
        wild.some(2, |wild| {
            let tag = Some(wild.near("sha256-1.sig"));
            let wanted = Wanted { tag, digest: None };
            Attachment {
                subject: wild.digest(manifests),
                resolution: resolution(wild, &wanted),
            }
        })
    }

    fn inspect(&mut self, _: &str) -> Vec<Damage> {
        let bytes = self.bytes();
        damages(&mut Wild::new(&bytes))
    }

    fn collections(&mut self) -> Result<Vec<Collection>, Failure> {
        let bytes = self.bytes();
        let wild = &mut Wild::new(&bytes);
        let known = [truth(&Wanted {
            tag: None,
            digest: None,
        })
        .digest];
        let named = |wild: &mut Wild<'_>| Named {
            repository: wild.near("team/app"),
            digest: wild.digest(&known),
        };
        Ok(wild.some(3, |wild| Collection {
            collector: wild.text(),
            forecast: match wild.below(3) {
                0 => Forecast::Aborts(wild.text()),
                _ => Forecast::Sweeps(Sweep {
                    manifests: wild.some(3, named),
                    links: wild.some(3, named),
                    blobs: wild.some(3, |wild| Condemned {
                        digest: wild.digest(&known),
                        path: wild.path(&PATHS),
                        size: wild.number(),
                    }),
                }),
            },
        }))
    }
}

regcarve_policy_kit::layout!(Program, regcarve_test_programs::NoWriter);
