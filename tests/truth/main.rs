//! Random storages: what is carved is what a second program, written apart in another language, says it must be.
//!
//! That program is `tests/reference/carve.py`. Trees have the same names, the same inodes and the same links; where
//! something is missing or damaged, both name the same references. A few storages are tried in every run of the tests;
//!
//! ```sh
//! REGCARVE_LONG=1 cargo test --release --locked --test truth
//! ```
//!
//! tries 1,000. `REGCARVE_SEED=n` tries the one with this number.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod damage;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use regcarve_test_support::snapshot::Snapshot;
use regcarve_test_support::tools;
use regcarve_test_support::tree::{staging_beside, walk};
use serde_json::Value;

use crate::world::World;

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/reference/carve.py");

/// What may differ in how both name an image: the digest behind a tag, and artifacts that speak of another image, which
/// ours calls by what they speak of.
fn normal(reference: &str) -> String {
    if let Some(subject) = reference.strip_prefix("a referrer of ") {
        return subject.to_owned();
    }
    let named = match reference.split_once('@') {
        Some((name, _)) if name.contains(':') => name,
        _ => reference,
    };
    match named.split_once(":sha256-") {
        Some((name, rest)) => format!("{name}@sha256:{}", rest.get(..64).unwrap_or(rest)),
        None => named.to_owned(),
    }
}

/// References that are missing, and references that are damaged.
#[derive(Debug, PartialEq, Eq)]
struct Refused {
    missing: BTreeSet<String>,
    damaged: BTreeSet<String>,
}

impl Refused {
    fn of(missing: Vec<String>, damaged: Vec<String>) -> Self {
        let set = |all: Vec<String>| all.iter().map(|one| normal(one)).collect();
        Self {
            missing: set(missing),
            damaged: set(damaged),
        }
    }

    fn code(&self) -> i32 {
        match (self.damaged.is_empty(), self.missing.is_empty()) {
            (false, _) => 4,
            (true, false) => 3,
            (true, true) => 0,
        }
    }

    /// What speaks of an image that is damaged itself may or may not be looked at.
    fn listed(self, lines: &BTreeSet<String>) -> Self {
        if self.damaged.is_disjoint(lines) {
            return self;
        }
        let damaged = self.damaged.intersection(lines).cloned().collect();
        Self { damaged, ..self }
    }
}

fn by_reference(world: &World, output: &Path) -> Refused {
    let done = Command::new("python3")
        .arg(REFERENCE)
        .args([world.storage.root(), &world.list, output])
        .output()
        .expect("start python3");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "the reference gave up:\n{said}");
    let answer: Value = serde_json::from_slice(&done.stdout).expect("JSON of the reference");
    let texts = |key: &str| {
        let all = answer[key].as_array().expect("a list").iter();
        all.map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    Refused::of(texts("missing"), texts("damaged"))
}

fn by_regcarve(world: &World, jobs: u64, output: &Path) -> Outcome {
    regcarve(env!("CARGO_BIN_EXE_regcarve"))
        .args(["run", "--durability", "none", "--jobs"])
        .arg(jobs.to_string())
        .arg("--list")
        .arg(&world.list)
        .arg(format!("registry:{}", world.storage.root().display()))
        .arg(format!("registry:{}", output.display()))
        .reported()
}

/// What a tree is: folders, shared files by their inodes, written files by their bytes.
fn shape(root: &Path) -> BTreeMap<String, String> {
    let row = |(name, meta): (std::path::PathBuf, fs::Metadata)| {
        let what = if meta.is_dir() {
            "folder".to_owned()
        } else if meta.is_file() && name.ends_with("link") && meta.nlink() == 1 {
            format!(
                "written {:?}",
                fs::read(root.join(&name))
                    .unwrap()
                    .escape_ascii()
                    .to_string()
            )
        } else {
            format!("shared {}:{}", meta.dev(), meta.ino())
        };
        (name.display().to_string(), what)
    };
    walk(root).into_iter().map(row).collect()
}

/// One storage; answers how the reference decided, or what differs.
fn check(seed: u64) -> Result<i32, String> {
    let world = World::new(seed);
    let path = |name: &str| world.folder.path().join(name);
    let before = Snapshot::take(world.storage.root());
    let wanted = by_reference(&world, &path("expected"));
    // However many work at once, the answer is the same.
    let outcome = by_regcarve(&world, 1 + seed % 3, &path("output"));
    let mut problems = before.differences(&Snapshot::take(world.storage.root()));
    let code = wanted.code();
    if outcome.code != code {
        problems.push(format!("exit code {}, not {code}", outcome.code));
    } else if code == 0 {
        let (expected, found) = (shape(&path("expected")), shape(&path("output")));
        let only =
            |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>, whose: &str| {
                let lines = one
                    .iter()
                    .filter(|(name, what)| other.get(*name) != Some(what));
                lines
                    .map(|(name, what)| format!("only {whose}: {name} {what}"))
                    .collect::<Vec<_>>()
            };
        problems.extend(only(&expected, &found, "in the reference"));
        problems.extend(only(&found, &expected, "in ours"));
    } else {
        let lines = fs::read_to_string(&world.list).unwrap();
        let lines = lines.lines().map(normal).collect();
        let found = Refused::of(
            outcome.listed("missing", "reference"),
            outcome.listed("damaged", "reference"),
        );
        let (wanted, found) = (wanted.listed(&lines), found.listed(&lines));
        if wanted != found {
            problems.push(format!(
                "the reference refuses {wanted:#?}, ours {found:#?}"
            ));
        }
        if path("output").symlink_metadata().is_ok() || !staging_beside(&path("output")).is_empty()
        {
            problems.push("something was published or left".into());
        }
    }
    if outcome.stderr.contains("panicked") {
        problems.push("it panicked".into());
    }
    if problems.is_empty() {
        return Ok(code);
    }
    let story = world.story.join("\n  ");
    Err(format!(
        "REGCARVE_SEED={seed}\n  {story}\n{}\n{}",
        problems.join("\n"),
        outcome.everything()
    ))
}

#[test]
fn random_storages() {
    if !tools::require(&["python3"]) {
        return;
    }
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let long = env::var_os("REGCARVE_LONG").is_some();
    let seeds = match number("REGCARVE_SEED") {
        Some(seed) => seed..seed + 1,
        None if long => 0..1_000,
        None => 0..50,
    };
    let count = seeds.end - seeds.start;
    let next = std::sync::atomic::AtomicU64::new(seeds.start);
    let work = || {
        let mut results = Vec::new();
        loop {
            let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if seed >= seeds.end {
                return results;
            }
            results.push(check(seed));
        }
    };
    let results: Vec<_> = thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker"))
            .collect()
    });
    let ended = |code| results.iter().filter(|result| **result == Ok(code)).count();
    let (whole, missing, damaged) = (ended(0), ended(3), ended(4));
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    println!(
        "{count} storages: {whole} carved, {missing} refused as missing, {damaged} as damaged, {} differ",
        failed.len()
    );
    let shown = failed
        .iter()
        .take(5)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n\n");
    assert!(
        failed.is_empty(),
        "{} of {count} storages differ:\n\n{shown}",
        failed.len()
    );
    // Storages that are all of one kind prove little.
    if count >= 50 {
        let enough = usize::try_from(count).unwrap() / 10;
        assert!(
            whole > enough && damaged > enough && missing > 0,
            "{whole}, {missing}, {damaged}"
        );
    }
}
