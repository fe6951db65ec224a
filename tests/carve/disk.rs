//! What a run asks of the disk: storages are large, and disks are slow.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tools;

use crate::world::{World, program};

/// The files below `root` that a traced program opened to read their bytes, and how often.
fn read(trace: &str, root: &str) -> BTreeMap<String, usize> {
    let mut opened = BTreeMap::new();
    for line in trace.lines() {
        let is_content = line.contains("O_RDONLY")
            && !["O_PATH", "O_DIRECTORY"].iter().any(|no| line.contains(no));
        // `… = 5</path>`, by `-y`.
        if let Some((_, path)) = line
            .rsplit_once(" = ")
            .and_then(|(_, end)| end.split_once('<'))
            && is_content
            && let Some(below) = path.trim_end_matches('>').strip_prefix(root)
        {
            *opened.entry(below.to_owned()).or_default() += 1;
        }
    }
    opened
}

/// `--verify full` hashes what has not been hashed yet: a manifest was, when the reader asked for it.
#[test]
fn a_run_that_verifies_reads_each_file_once() {
    if !tools::require(&["strace"]) {
        return;
    }
    let world = World::new();
    let folder = |format: &str| format!("{format}:{}", world.path(format).display());
    program("run")
        .args(["--all", &world.source()])
        .args(["dir", "oci"].map(folder))
        .outcome()
        .assert_code(0);
    for (source, content) in [
        (world.source(), "/data"),
        (folder("dir"), ""),
        (folder("oci"), "/blobs/"),
    ] {
        let (trace, output) = (world.path("trace"), world.path("verified"));
        let outcome = Command::new("strace")
            .args(["-f", "-y", "-qq", "-e", "trace=openat,openat2", "-o"])
            .arg(&trace)
            .arg(env!("CARGO_BIN_EXE_regcarve"))
            .args(["run", "--all", "--verify", "full", &source])
            .arg(format!("registry:{}", output.display()))
            .outcome();
        outcome.assert_code(0);
        let (_, root) = source.split_once(':').unwrap();
        let mut opened = read(&fs::read_to_string(&trace).unwrap(), root);
        // The root itself is listed.
        opened.retain(|path, _| !path.is_empty() && path.contains(content));
        assert!(opened.len() >= 12, "{source}: {opened:#?}");
        opened.retain(|_, times| *times != 1);
        assert!(
            opened.is_empty(),
            "{source}: read more than once: {opened:#?}"
        );
        fs::remove_dir_all(output).unwrap();
    }
}

/// One file at a time is no way to read from a disk that takes its time for each. Who says how many jobs there are gets so
/// many.
#[test]
fn the_slower_the_disk_the_more_it_is_asked_at_once() {
    if !tools::require(&["strace"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::create(folder.path().join("source"));
    for number in 0..40 {
        let config = serde_json::json!({ "os": "linux", "number": number });
        storage.image(&format!("team/app-{number}"), "v1", &[b"layer"], &config);
    }
    let threads = |before: &str, jobs: &[&str]| {
        let trace = folder.path().join("trace");
        let plan = Command::new("bash")
            .args(["-c", &format!(r#"{before}; exec "$@""#), "bash", "strace"])
            .args(["-f", "-qq", "-e", "trace=openat2,clone,clone3", "-o"])
            .arg(&trace)
            .args(["-e", "inject=openat2:delay_enter=3ms"])
            .arg(env!("CARGO_BIN_EXE_regcarve"))
            .args(["plan", "--all"])
            .args(jobs)
            .arg(format!("registry:{}", storage.root().display()))
            .outcome();
        plan.assert_code(0);
        let trace = fs::read_to_string(&trace).unwrap();
        trace.matches("clone3(").count() + trace.matches("clone(").count()
    };
    let cpus = std::thread::available_parallelism().unwrap().get();
    let as_said = threads(":", &["--jobs", &cpus.to_string()]);
    let by_itself = threads(":", &[]);
    assert!(
        by_itself > as_said || cpus >= 32,
        "{as_said}, then {by_itself}"
    );
    // Each job takes addresses; where these are few there are no more jobs than CPUs.
    assert_eq!(threads("ulimit -v 3000000", &[]), as_said);
}
