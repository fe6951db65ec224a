//! Random storages: a second implementation, written apart in another language, carves the same release.
//!
//! That program is `tests/oracles/reference/carve.py`. Trees have the same names, the same inodes and the same links; where
//! something is missing or damaged, both name the same references. 50 storages are tried, or 1,000 with
//! `REGCARVE_LONG=1`. `REGCARVE_SEED=n` tries the one with this number.

mod damage;
mod random_storage;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::fixture::{program, registry};
use regcarve_test_support::snapshot::Snapshot;
use regcarve_test_support::tools::{self, assert_none, long_or};
use regcarve_test_support::tree::walk;
use serde_json::Value;

use self::random_storage::{RandomStorage, make};

const REFERENCE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/oracles/reference/carve.py"
);

/// The part of a name that must be the same in both: not the digest behind a tag, nor the name of a referrer, which
/// ours calls by its subject.
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

    /// Referrers of an image that is damaged itself may or may not be looked at.
    fn listed(self, lines: &BTreeSet<String>) -> Self {
        if self.damaged.is_disjoint(lines) {
            return self;
        }
        let damaged = self.damaged.intersection(lines).cloned().collect();
        Self { damaged, ..self }
    }
}

fn by_reference(random: &RandomStorage, output: &Path) -> Refused {
    let done = Command::new("python3")
        .arg(REFERENCE)
        .args([random.storage.root(), &random.made.list, output])
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

fn by_regcarve(random: &RandomStorage, jobs: u64, output: &Path) -> Outcome {
    program("run")
        .args(["--durability", "none", "--jobs"])
        .arg(jobs.to_string())
        .arg("--list")
        .arg(&random.made.list)
        .args([random.source(), registry(output)])
        .reported()
}

/// Describes each path of a tree: folders, shared files by their inodes, written files by their bytes.
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
    let random = make(seed);
    let path = |name: &str| random.path(name);
    let before = Snapshot::take(random.storage.root());
    let wanted = by_reference(&random, &path("expected"));
    // However many work at once, the answer is the same.
    let outcome = by_regcarve(&random, 1 + seed % 3, &path("output"));
    let mut problems = before.differences(&Snapshot::take(random.storage.root()));
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
        let lines = fs::read_to_string(&random.made.list).unwrap();
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
        if !random.is_clean("output") {
            problems.push("something was published or left".into());
        }
    }
    if outcome.stderr.contains("panicked") {
        problems.push("it panicked".into());
    }
    if problems.is_empty() {
        return Ok(code);
    }
    let story = random.made.story.join("\n  ");
    Err(format!(
        "REGCARVE_SEED={seed}\n  {story}\n{}\n{}",
        problems.join("\n"),
        outcome.everything()
    ))
}

#[test]
fn random_storages_are_carved_as_the_reference_carves_them() {
    if !tools::require(&["python3"]) {
        return;
    }
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds = match number("REGCARVE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..long_or(1_000, 50),
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
    assert_none(&failed, usize::try_from(count).unwrap());
    // Storages that are all of one kind prove little.
    if count >= 50 {
        let enough = usize::try_from(count).unwrap() / 10;
        assert!(
            whole > enough && damaged > enough && missing > 0,
            "{whole}, {missing}, {damaged}"
        );
    }
}
