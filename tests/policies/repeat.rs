//! Same input, same decisions.

use std::fs;
use std::path::Path;

use regcarve_test_support::binary::Outcome;
use serde_json::Value;

use crate::world::{World, all};

/// What a plan says apart from how long it took and where the source is.
fn said(outcome: &Outcome) -> Value {
    outcome.assert_code(0);
    let mut report = outcome.report().clone();
    let kept = ["images", "dropped", "missing", "damaged", "totals"];
    let members = report.as_object_mut().expect("a report");
    members.retain(|key, _| kept.contains(&key.as_str()));
    assert!(members.len() >= 4, "{members:?}");
    report
}

/// Each policy alone, and all of them in a row.
fn chains() -> Vec<Vec<String>> {
    let mut chains: Vec<_> = all().into_iter().map(|policy| vec![policy]).collect();
    chains.push(all());
    chains
}

/// Names in a folder, in the order in which the file system tells them.
fn order(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("list a folder");
    let names = entries.map(|entry| entry.expect("read a folder").file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn runs_and_jobs_and_the_order_of_folders_change_nothing() {
    // A memory file system lists names in the order in which they were made, turned round.
    let memory = Path::new("/dev/shm");
    let folder = || {
        let made = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        made.expect("a folder for a test")
    };
    let world = World::built_in(folder(), false);
    let backwards = World::built_in(folder(), true);
    let tags = |world: &World| {
        order(
            &world
                .storage
                .repository_path("library/nginx")
                .join("_manifests/tags"),
        )
    };
    let (one, other) = (tags(&world), tags(&backwards));
    if memory.is_dir() {
        assert_ne!(
            one, other,
            "both storages list their tags in the same order"
        );
    } else {
        eprintln!("SKIPPED: other orders of folders: there is no /dev/shm");
    }

    for policies in chains() {
        let first = said(&world.plan(&policies, &["--jobs", "1"]));
        let dropped = first["dropped"].as_array().expect("a list");
        assert!(
            !dropped.is_empty() || policies[0].starts_with("platforms"),
            "{policies:?} does nothing"
        );
        for jobs in ["1", "2"] {
            for (world, name) in [
                (&world, "the same storage"),
                (&backwards, "the other storage"),
            ] {
                let again = said(&world.plan(&policies, &["--jobs", jobs]));
                assert_eq!(first, again, "{policies:?} with {jobs} jobs on {name}");
            }
        }
    }
}
