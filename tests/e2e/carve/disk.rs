//! A run asks little of the disk: each file is read once, and a slow disk gets more requests at once.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use regcarve_test_support::binary::{self, Runs as _};
use regcarve_test_support::fixture::{Fixture, program};
use regcarve_test_support::tools;

use super::images::six_images;

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
fn verify_full_reads_each_file_once() {
    if !tools::require(&["strace"]) {
        return;
    }
    let fixture = six_images();
    let folder = |format: &str| fixture.spec(&format!("{format}:{format}"));
    program("run")
        .args(["--all", &fixture.source()])
        .args(["dir", "oci"].map(folder))
        .outcome()
        .assert_code(0);
    for (source, content) in [
        (fixture.source(), "/data"),
        (folder("dir"), ""),
        (folder("oci"), "/blobs/"),
    ] {
        let (trace, output) = (fixture.path("trace"), fixture.path("verified"));
        let outcome = Command::new("strace")
            .args(["-f", "-y", "-qq", "-e", "trace=openat,openat2", "-o"])
            .arg(&trace)
            .arg(binary::path())
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

/// `--jobs` is exact.
#[test]
fn a_slow_disk_gets_more_workers() {
    if !tools::require(&["strace"]) {
        return;
    }
    let fixture = Fixture::new();
    for number in 0..40 {
        let config = serde_json::json!({ "os": "linux", "number": number });
        fixture
            .storage
            .image(&format!("team/app-{number}"), "v1", &[b"layer"], &config);
    }
    let threads = |before: &str, jobs: &[&str]| {
        let trace = fixture.path("trace");
        let plan = Command::new("bash")
            .args(["-c", &format!(r#"{before}; exec "$@""#), "bash", "strace"])
            .args(["-f", "-qq", "-e", "trace=openat2,clone,clone3", "-o"])
            .arg(&trace)
            .args(["-e", "inject=openat2:delay_enter=3ms"])
            .arg(binary::path())
            .args(["plan", "--all"])
            .args(jobs)
            .arg(fixture.source())
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
