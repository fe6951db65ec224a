//! Decisions depend on the input alone: not on the run, the number of jobs, or the order of directory entries.

use std::fs;
use std::path::Path;

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::tools;
use serde_json::Value;

use super::images::{every_policy, filled, plan};

/// The parts of a plan that neither time nor place changes.
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
    let mut chains: Vec<_> = every_policy()
        .into_iter()
        .map(|policy| vec![policy])
        .collect();
    chains.push(every_policy());
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
fn decisions_do_not_depend_on_runs_jobs_or_directory_order() {
    // A memory file system lists names in the order in which they were made, turned round.
    let memory = Path::new("/dev/shm");
    let fixture = filled(Fixture::in_memory(), false);
    let backwards = filled(Fixture::in_memory(), true);
    let tags = |fixture: &Fixture| {
        order(
            &fixture
                .storage
                .repository_path("library/nginx")
                .join("_manifests/tags"),
        )
    };
    let (one, other) = (tags(&fixture), tags(&backwards));
    if memory.is_dir() {
        assert_ne!(
            one, other,
            "both storages list their tags in the same order"
        );
    } else {
        tools::skip("other orders of folders: there is no /dev/shm");
    }

    for policies in chains() {
        let first = said(&plan(&fixture, &policies, &["--jobs", "1"]));
        let dropped = first["dropped"].as_array().expect("a list");
        assert!(
            !dropped.is_empty() || policies[0].starts_with("platforms"),
            "{policies:?} does nothing"
        );
        for jobs in ["1", "2"] {
            for (fixture, name) in [
                (&fixture, "the same storage"),
                (&backwards, "the other storage"),
            ] {
                let again = said(&plan(fixture, &policies, &["--jobs", jobs]));
                assert_eq!(first, again, "{policies:?} with {jobs} jobs on {name}");
            }
        }
    }
}
