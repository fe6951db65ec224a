//! Releases out of a storage that a registry is writing to: whole, or refused with what the collector took.
//!
//! | module | what it does |
//! |---|---|
//! | `registry` | moves tags as distribution 2.8 and 3.1 do, and deletes what no tag needs |
//! | `whole` | looks at what was carved, apart from the program |

mod registry;
mod whole;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::fixture::{self, memory_folder, program};
use regcarve_test_support::registry::{Mode, PROGRAM, Registry};
use regcarve_test_support::tools::{self, long_or};
use regcarve_test_support::tree::staging_beside;

use self::registry::{Collects, Live, Style};

fn carve(source: &Path, list: &Path, output: &Path) -> Outcome {
    program("run")
        .args(["--durability", "none", "--list"])
        .arg(list)
        .args([fixture::registry(source), fixture::registry(output)])
        .outcome()
}

/// How some runs beside a registry at work ended.
#[derive(Debug, Default)]
struct Tally {
    runs: usize,
    complete: usize,
    /// Everything that went wrong.
    problems: Vec<String>,
    /// Exit code to how often.
    codes: BTreeMap<i32, usize>,
    moves: usize,
    /// Of tags in a second.
    rate: usize,
    deleted: usize,
}

/// Runs again and again, while a registry of this kind moves tags and its collector deletes.
fn beside(style: Style, collects: Collects, runs: usize) -> Tally {
    let folder = memory_folder();
    let live = Live::start(folder.path().join("source"), style, collects);
    let list = folder.path().join("release.list");
    fs::write(&list, live.references().join("\n")).unwrap();
    let output = folder.path().join("output");
    let stop = AtomicBool::new(false);
    let began = Instant::now();
    let mut tally = Tally {
        runs,
        ..Tally::default()
    };
    thread::scope(|scope| {
        scope.spawn(|| live.write_until(&stop));
        scope.spawn(|| live.collect_until(&stop));
        for _ in 0..runs {
            let outcome = carve(live.root(), &list, &output);
            *tally.codes.entry(outcome.code).or_default() += 1;
            tally.problems.extend(problems(&live, &outcome, &output));
            tally.complete += usize::from(outcome.code == 0);
            let _ = fs::remove_dir_all(&output);
        }
        stop.store(true, Ordering::Relaxed);
    });
    (tally.moves, tally.deleted) = live.counts();
    tally.rate = (tally.moves as f64 / began.elapsed().as_secs_f64()) as usize;
    tally
}

/// Everything that is wrong with the end of one run.
fn problems(live: &Live, outcome: &Outcome, output: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    if outcome.code == 0 {
        problems.extend(whole::problems(
            output,
            &live.references(),
            |name, digest| live.was_written(name, digest),
        ));
    } else {
        // What the collector took is damage of the source; nothing else may go wrong.
        if outcome.code != 4 {
            problems.push(format!("exit code {}", outcome.code));
        }
        if output.symlink_metadata().is_ok() {
            problems.push("a failed run published something".into());
        }
    }
    if !staging_beside(output).is_empty() {
        problems.push("staging was left".into());
    }
    if outcome.stderr.contains("panicked") {
        problems.push("it panicked".into());
    }
    if !problems.is_empty() {
        problems.push(outcome.everything());
    }
    problems
}

#[test]
fn a_release_beside_a_writing_registry_is_whole_or_damage_is_reported() {
    let each = long_or(250, 8);
    for style in [Style::InPlace, Style::Renames] {
        for collects in [Collects::Strangers, Collects::Untagged] {
            let tally = beside(style, collects, each);
            let Tally {
                runs,
                complete,
                problems,
                codes,
                moves,
                rate,
                deleted,
            } = &tally;
            println!(
                "{style:?}, collector takes {collects:?}: {runs} runs, {complete} complete, codes {codes:?}, {moves} tags moved ({rate} a second), \
                 {deleted} blobs deleted, {} problems",
                problems.len()
            );
            assert!(
                problems.is_empty(),
                "{style:?}, {collects:?}:\n{}",
                problems.join("\n")
            );
            assert!(
                *moves > *runs && *deleted > 0,
                "the registry stood still: {tally:?}"
            );
            // Nothing that was selected went: hardly a run may fail.
            let enough = runs - runs / 100;
            assert!(
                collects == Collects::Untagged || *complete >= enough,
                "{style:?}: {tally:?}"
            );
        }
    }
}

/// A release is whole also beside a real registry, distribution 2.8 of Debian, that is told to move tags.
#[test]
fn a_release_beside_a_real_registry_is_whole() {
    if !tools::require(&[PROGRAM]) {
        return;
    }
    let folder = memory_folder();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    let registry = Registry::start(&source, Mode::Writable);
    let tags = registry::tags();
    for tag in &tags {
        let each = tag.versions.iter();
        each.for_each(|package| {
            package
                .push(&registry, tag.repository, Some(tag.tag))
                .unwrap()
        });
    }
    let names: Vec<String> = tags.iter().map(registry::Tag::name).collect();
    let list = folder.path().join("release.list");
    fs::write(&list, names.join("\n")).unwrap();
    let output = folder.path().join("output");
    let known = |name: &str, digest: &Digest| {
        let mut all = tags
            .iter()
            .filter(|tag| tag.name() == name)
            .flat_map(|tag| &tag.versions);
        all.any(|package| package.digest() == digest)
    };
    let runs = long_or(250, 10);
    let (stop, moves) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut wrong = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut rng = fastrand::Rng::with_seed(5);
            while !stop.load(Ordering::Relaxed) {
                let tag = &tags[rng.usize(..tags.len())];
                let package = &tag.versions[rng.usize(..tag.versions.len())];
                package
                    .push(&registry, tag.repository, Some(tag.tag))
                    .expect("a push");
                moves.fetch_add(1, Ordering::Relaxed);
            }
        });
        for _ in 0..runs {
            let outcome = carve(&source, &list, &output);
            if outcome.code == 0 {
                wrong.extend(whole::problems(&output, &names, known));
            } else {
                wrong.push(outcome.everything());
            }
            let _ = fs::remove_dir_all(&output);
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!(
        "a real registry: {runs} runs, {moves:?} tags moved, {} problems",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A link that is empty for a moment is read again; one that stays empty is damage, and named.
#[test]
fn a_link_that_is_empty_for_a_moment_is_read_again() {
    let folder = memory_folder();
    let live = Live::start(
        folder.path().join("source"),
        Style::InPlace,
        Collects::Strangers,
    );
    let list = folder.path().join("release.list");
    let name = live.references().remove(0);
    fs::write(&list, &name).unwrap();
    let output = folder.path().join("output");
    let link = live.tag_path(&name);
    let digest = fs::read(&link).unwrap();
    let mut complete = 0;
    // On a busy machine a moment may get long.
    for _ in 0..20 {
        for part in [0, 40] {
            fs::write(&link, &digest[..part]).unwrap();
            let outcome = thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_millis(30));
                    fs::write(&link, &digest).unwrap();
                });
                carve(live.root(), &list, &output)
            });
            assert!([0, 4].contains(&outcome.code), "{}", outcome.everything());
            complete += usize::from(outcome.code == 0);
            let _ = fs::remove_dir_all(&output);
        }
        if complete >= 10 {
            break;
        }
    }
    assert!(complete > 0, "no run waited for the link");
    fs::write(&link, "").unwrap();
    carve(live.root(), &list, &output)
        .assert_code(4)
        .assert_says("current/link");
}
