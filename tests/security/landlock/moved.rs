//! Content that is moved out of the source while a run goes on. Landlock allows the source only, so the system refuses what
//! is outside of it now, in the words that it has for other mounts (`EXDEV`) and for owners and modes (`EACCES`). The run says
//! what is true: the file disappeared from the source.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regcarve_test_support::fixture::{Fixture, registry};
use regcarve_test_support::tree::staging_beside;
use regcarve_test_support::{binary, tools};

use super::landlock;

/// Enough that directories of the source are kept open.
const LAYERS: u8 = 12;

/// Runs with each call of this name delayed, and moves all content away once something is in the staging. Answers exit
/// code and message.
fn moved_during(call: &str, link: &str, sandbox: &str) -> (Option<i32>, String) {
    let fixture = Fixture::new();
    let layers: Vec<_> = (0..LAYERS).map(|number| [number]).collect();
    let layers: Vec<_> = layers.iter().map(<[u8; 1]>::as_slice).collect();
    fixture
        .storage
        .image("app", "1", &layers, &serde_json::json!({ "os": "linux" }));
    let output = fixture.output();
    let child = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .args(["-e", &format!("inject={call}:delay_enter=300000")])
        .arg(binary::path())
        .args(["run", "--all", "--jobs", "1", "--sandbox", sandbox])
        .args(["--link", link])
        .args([fixture.source(), registry(&output)])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let begun = || {
        staging_beside(&output).iter().any(|name| {
            let staging = fixture.path(name);
            fs::read_dir(staging).is_ok_and(|mut entries| {
                entries.any(|entry| entry.is_ok_and(|entry| entry.path().is_dir()))
            })
        })
    };
    while !begun() {
        assert!(Instant::now() < until, "the run does not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
    fs::rename(
        fixture.storage.base().join("blobs"),
        fixture.path("outside"),
    )
    .unwrap();
    let ended = child.wait_with_output().unwrap();
    if !ended.status.success() {
        assert!(!output.exists());
        assert_eq!(staging_beside(&output), Vec::<String>::new());
    }
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code(), said)
}

#[test]
fn content_moved_out_of_the_source_is_damage() {
    if !landlock() || !tools::require(&["strace"]) {
        return;
    }
    for (call, link) in [("linkat", "hard"), ("copy_file_range", "copy")] {
        let (code, said) = moved_during(call, link, "require");
        assert_eq!(code, Some(4), "{link}: {said}");
        assert!(
            said.contains("it disappeared from the source during the run"),
            "{link}: {said}"
        );
        for misleading in ["mount", "owner"] {
            assert!(!said.contains(misleading), "{link}: {said}");
        }
    }
}

/// Where the kernel does not refuse it, the file that was looked at is linked, wherever it is now.
#[test]
fn without_landlock_moved_content_is_linked_or_damage() {
    if !tools::require(&["strace"]) {
        return;
    }
    let (code, said) = moved_during("linkat", "hard", "off");
    assert!(matches!(code, Some(0 | 4)), "{said}");
}
