//! The order of system calls: what makes an output durable, and the first link.

use std::process::Command;

use regcarve_test_support::tools;
use regcarve_test_support::tree::draw;

use crate::strace::{self, Call};
use crate::trial::Trial;

const CALLS: &str =
    "openat,linkat,mkdirat,unlinkat,syncfs,sync,fsync,fdatasync,renameat,renameat2,rename";

fn positions(calls: &[Call], named: impl Fn(&Call) -> bool) -> Vec<usize> {
    calls
        .iter()
        .enumerate()
        .filter(|(_, call)| named(call))
        .map(|(position, _)| position)
        .collect()
}

fn makes_a_name(call: &Call) -> bool {
    match &*call.name {
        "linkat" | "mkdirat" | "unlinkat" => true,
        "openat" => call.text.contains("O_CREAT"),
        "renameat2" => !gives_the_output_its_name(call),
        _ => false,
    }
}

/// Files that were written apart are moved in by the same call, before.
fn gives_the_output_its_name(call: &Call) -> bool {
    let name = |name| call.text.contains(name);
    call.name == "renameat2" && (name("\"output\"") || name("\"fast\""))
}

/// All that is written, then `syncfs`, then the rename, then `fsync` of the folder; each once, and no `fsync` a file.
#[test]
fn data_is_synced_before_the_rename_and_the_folder_after_it() {
    if !tools::require(&["strace"]) {
        return;
    }
    let trial = Trial::small();
    let output = trial.output();
    let calls = strace::trace(CALLS, &trial.run(&output));
    let of = |name: &str| positions(&calls, |call| call.name == name);
    let published = positions(&calls, gives_the_output_its_name);
    let (synced, renamed, fsynced) = (of("syncfs"), published, of("fsync"));
    let seen = format!("{calls:#?}");
    assert_eq!(
        [synced.len(), renamed.len(), fsynced.len()],
        [1, 1, 1],
        "{seen}"
    );
    for other in ["sync", "fdatasync", "rename", "renameat"] {
        assert_eq!(of(other), Vec::<usize>::new(), "{other}: {seen}");
    }
    let last = *positions(&calls, makes_a_name).last().unwrap();
    assert!(
        last < synced[0] && synced[0] < renamed[0] && renamed[0] < fsynced[0],
        "{seen}"
    );
    assert!(
        calls[renamed[0]].text.contains("RENAME_NOREPLACE"),
        "{seen}"
    );
}

#[test]
fn durability_none_syncs_nothing() {
    if !tools::require(&["strace"]) {
        return;
    }
    let trial = Trial::small();
    let (fast, safe) = (trial.path("fast"), trial.path("safe"));
    let mut command = trial.run(&fast);
    command.args(["--durability", "none"]);
    let calls = strace::trace(CALLS, &command);
    let syncs = positions(&calls, |call| call.name.contains("sync"));
    assert_eq!(syncs, Vec::<usize>::new(), "{calls:#?}");
    assert_eq!(positions(&calls, gives_the_output_its_name).len(), 1);
    assert!(trial.run(&safe).status().unwrap().success());
    assert_eq!(draw(&fast), draw(&safe));
}

/// Before anything is written or resolved, a link is tried out and taken away again.
#[test]
fn the_first_link_tries_out_whether_links_are_possible() {
    if !tools::require(&["strace"]) {
        return;
    }
    let trial = Trial::small();
    let calls = strace::trace(CALLS, &trial.run(&trial.output()));
    assert_probe_first(&calls);
}

/// Only staging directories are made before it.
pub(crate) fn assert_probe_first(calls: &[Call]) {
    let mut made = calls.iter().filter(|call| makes_a_name(call));
    let first = made.find(|call| !call.text.contains(".output.partial-"));
    let is_probe = |call: &Call| call.name == "linkat" && call.text.contains(".regcarve-probe");
    assert!(first.is_some_and(is_probe), "{calls:#?}");
}

/// The first calls of a run that fails.
pub(crate) fn traced_failure(command: &Command) -> Vec<Call> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let options = ["-e".to_owned(), format!("trace={CALLS}")];
    let output = strace::under(&options, &log, command).output().unwrap();
    assert!(!output.status.success());
    strace::read(&std::fs::read_to_string(&log).unwrap())
}
