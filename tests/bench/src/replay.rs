//! The kernel's own limit: makes a finished tree again with nothing but the system calls that cannot
//! be avoided, mkdir, link and open-write-close, as a plain C program would make them.
//!
//! Everything else is done before the clock starts: the tree is walked, contents are read, paths are
//! built. Paths are long and absolute, directories come before what they hold, and no call fails. With
//! two threads, each takes whole repositories and whole two-digit folders of `blobs`, after the few
//! directories that all of them need are there.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, path_beneath_rules,
};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::tree::{self, Kind};

/// One system call, or three for a file.
enum Step {
    Directory(CString),
    Link { from: CString, to: CString },
    File { to: CString, bytes: Vec<u8> },
}

/// All steps of a tree.
pub struct Plan {
    /// Directories above more than one unit; made first and by one thread.
    shared: Vec<Step>,
    /// The steps that one thread does without the others.
    units: Vec<Vec<Step>>,
}

/// The work and the time of a replay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replayed {
    /// Time of the system calls alone.
    pub seconds: f64,
    /// Directories made.
    pub directories: usize,
    /// Hard links made.
    pub links: usize,
    /// Files written.
    pub files: usize,
}

impl Plan {
    /// Reads the finished tree `tree`, carved from `source`, to be made again at `out`.
    ///
    /// A file that is the same inode as its namesake in the source becomes a hard link, any other is
    /// written.
    pub fn read(source: &Path, tree: &Path, out: &Path) -> Result<Self> {
        let entries = tree::entries(tree)?;
        let mut units: BTreeMap<&str, Vec<Step>> = BTreeMap::new();
        let mut shared = BTreeSet::new();
        for (path, kind) in &entries {
            match unit(path) {
                None if *kind == Kind::File => bail!("{path} is no file of a storage"),
                None => {
                    shared.insert(path.as_str());
                }
                Some(name) => {
                    let step = step(source, tree, out, path, *kind)?;
                    units.entry(name).or_default().push(step);
                }
            }
        }
        // A repository's own folder goes with it unless other repositories lie below.
        for (name, steps) in &mut units {
            let below = format!("{name}/");
            let has_more = shared.range(below.as_str()..).next();
            if !has_more.is_some_and(|next| next.starts_with(&below)) && shared.remove(name) {
                steps.insert(0, step(source, tree, out, name, Kind::Directory)?);
            }
        }
        let shared = std::iter::once(absolute(out, "").map(Step::Directory))
            .chain(
                shared
                    .iter()
                    .map(|path| step(source, tree, out, path, Kind::Directory)),
            )
            .collect::<Result<_>>()?;
        let units = units.into_values().collect();
        Ok(Self { shared, units })
    }

    /// Makes the tree and says how long it took.
    pub fn carry_out(&self, threads: usize) -> Result<Replayed> {
        let start = Instant::now();
        run(&self.shared)?;
        if threads < 2 {
            self.units.iter().try_for_each(|unit| run(unit))?;
        } else {
            self.on_threads(threads)?;
        }
        let seconds = start.elapsed().as_secs_f64();

        let steps = || self.units.iter().flatten().chain(&self.shared);
        let count = |wanted: fn(&Step) -> bool| steps().filter(|step| wanted(step)).count();
        Ok(Replayed {
            seconds,
            directories: count(|step| matches!(step, Step::Directory(_))),
            links: count(|step| matches!(step, Step::Link { .. })),
            files: count(|step| matches!(step, Step::File { .. })),
        })
    }

    fn on_threads(&self, threads: usize) -> Result<()> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<()> {
            while let Some(unit) = self.units.get(next.fetch_add(1, Ordering::Relaxed)) {
                run(unit)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut result = work();
            for other in others {
                match other.join() {
                    Ok(done) => result = result.and(done),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            result
        })
    }
}

/// Confines this thread, and those that it starts, with Landlock as regcarve confines itself: every access but making
/// directories is checked, with one directory to read and link from and one to write to. Both allow the same accesses,
/// since the purpose is to measure what the checks cost. Fails where the kernel has no Landlock.
pub fn restrict_with_landlock(source: &Path, out: &Path) -> Result<()> {
    const KNOWN: ABI = ABI::V3;
    let watched = AccessFs::from_all(KNOWN) & !BitFlags::from(AccessFs::MakeDir);
    let above = out
        .parent()
        .context("a folder above the output is needed")?;
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(watched)?
        .create()?
        .add_rules(path_beneath_rules([source, above], watched))?
        .restrict_self()?;
    Ok(())
}

/// Which part of the tree a path belongs to: its repository, or its two-digit folder of blobs.
fn unit(path: &str) -> Option<&str> {
    const BLOBS: &str = "docker/registry/v2/blobs/";
    let Some(below) = path.strip_prefix(BLOBS) else {
        return path.find("/_").map(|end| &path[..end]);
    };
    let mut parts = below.splitn(3, '/');
    let (algorithm, prefix) = (parts.next()?, parts.next()?);
    Some(&path[..BLOBS.len() + algorithm.len() + 1 + prefix.len()])
}

fn step(source: &Path, tree: &Path, out: &Path, path: &str, kind: Kind) -> Result<Step> {
    let to = absolute(out, path)?;
    if kind == Kind::Directory {
        return Ok(Step::Directory(to));
    }
    let made = tree.join(path);
    let reading = || format!("cannot read {}", made.display());
    let here = fs::metadata(&made).with_context(reading)?;
    let original = source.join(path);
    let same = here.nlink() > 1
        && fs::metadata(&original)
            .is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino()));
    if same {
        let from = CString::new(original.as_os_str().as_bytes())?;
        return Ok(Step::Link { from, to });
    }
    let bytes = fs::read(&made).with_context(reading)?;
    Ok(Step::File { to, bytes })
}

fn absolute(out: &Path, path: &str) -> Result<CString> {
    if !out.is_absolute() {
        bail!("{} is not an absolute path", out.display());
    }
    let path = if path.is_empty() {
        out.to_owned()
    } else {
        out.join(path)
    };
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// The timed part: system calls and nothing else.
fn run(steps: &[Step]) -> Result<()> {
    for step in steps {
        let done = match step {
            Step::Directory(path) => rustix::fs::mkdir(path, Mode::from_raw_mode(0o777)),
            Step::Link { from, to } => rustix::fs::link(from, to),
            Step::File { to, bytes } => write(to, bytes),
        };
        done.with_context(|| match step {
            Step::Directory(path) => format!("cannot create {path:?}"),
            Step::Link { from, to } => format!("cannot link {from:?} to {to:?}"),
            Step::File { to, .. } => format!("cannot write {to:?}"),
        })?;
    }
    Ok(())
}

fn write(to: &CString, bytes: &[u8]) -> rustix::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::open(to, flags, Mode::from_raw_mode(0o666))?;
    rustix::io::write(&file, bytes).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_split_by_repository_and_blob_prefix() {
        let root = "docker/registry/v2";
        for (path, expected) in [
            ("", None),
            ("/blobs", None),
            ("/blobs/sha256", None),
            ("/blobs/sha256/ab", Some("/blobs/sha256/ab")),
            ("/blobs/sha256/ab/abcd/data", Some("/blobs/sha256/ab")),
            ("/repositories/library/a", None),
            (
                "/repositories/library/a/_layers",
                Some("/repositories/library/a"),
            ),
            (
                "/repositories/blobs/b/_layers/sha256/x/link",
                Some("/repositories/blobs/b"),
            ),
        ] {
            let expected = expected.map(|unit| format!("{root}{unit}"));
            assert_eq!(
                unit(&format!("{root}{path}")),
                expected.as_deref(),
                "{path}"
            );
        }
    }

    #[test]
    fn a_replay_gives_the_same_tree() {
        let folder = tempfile::tempdir().unwrap();
        let (source, tree) = (folder.path().join("source"), folder.path().join("tree"));
        let blob = "docker/registry/v2/blobs/sha256/ab/abcd";
        for root in [&source, &tree] {
            fs::create_dir_all(root.join(blob)).unwrap();
        }
        let data = Path::new(blob).join("data");
        fs::write(source.join(&data), "shared").unwrap();
        fs::hard_link(source.join(&data), tree.join(&data)).unwrap();
        // One repository lies in the folder of another.
        for repository in ["repositories/a/_layers", "repositories/a/b/_layers"] {
            fs::create_dir_all(tree.join(repository)).unwrap();
            fs::write(tree.join(repository).join("link"), "fresh").unwrap();
        }
        for threads in [1, 2] {
            let out = folder.path().join(threads.to_string());
            let plan = Plan::read(&source, &tree, &out).unwrap();
            let done = plan.carry_out(threads).unwrap();
            assert_eq!((done.links, done.files), (1, 2));
            assert_eq!(
                tree::differences(&tree, &out, |_| false).unwrap(),
                Vec::<String>::new()
            );
        }
    }
}
