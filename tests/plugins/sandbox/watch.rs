//! Calls that the system does not answer: a server that is gone, a disk that hangs. Here `strace` holds them up.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use regcarve_test_support::programs::program;
use regcarve_test_support::snapshot::{Snapshot, assert_same};
use regcarve_test_support::tools;
use regcarve_test_support::tree::staging_beside;

use super::world::World;

/// The system would not.
const SYSTEM: i32 = 1;
/// Each call is held up for so long, then done: without the watch the run would be complete, late. `strace` itself does
/// not end before that.
const HELD: &str = "delay_enter=8s";
/// That, and a busy machine. A run that went on would be held up again and again.
const ENDED: Duration = Duration::from_secs(15);

/// A run in which the calls that `inject` names are held up.
fn held(world: &World, inject: &str, arguments: &[String]) -> Outcome {
    let plain = regcarve(env!("CARGO_BIN_EXE_regcarve"));
    let outcome = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(world.path("trace"))
        .args([
            "-e",
            &format!("trace={}", inject.split(':').next().unwrap()),
        ])
        .args(["-e", &format!("inject={inject}")])
        .arg(plain.get_program())
        .args(["run", "--guest-wait", "1", "--jobs", "1", "--no-cache"])
        .args(arguments)
        .outcome();
    outcome.assert_no_panic();
    assert!(
        outcome.took < ENDED,
        "after {:?}\n{}",
        outcome.took,
        outcome.everything()
    );
    outcome
}

fn nothing_published(world: &World, outcome: &Outcome) {
    let output: &Path = &world.path("output");
    assert!(
        output.symlink_metadata().is_err(),
        "{}",
        outcome.everything()
    );
}

#[test]
fn a_read_that_does_not_come_back() {
    if !tools::require(&["strace"]) {
        return;
    }
    let world = World::new();
    let reader = program("reader-plain").display().to_string();
    let arguments = [
        "--image".into(),
        "team/app:v1".into(),
        format!("{reader}:{}", world.path("flat").display()),
        world.spec("registry", "output"),
    ];
    let before = Snapshot::take(world.path("flat"));
    // Nothing but guests makes this one before images are resolved.
    let outcome = held(&world, &format!("openat2:{HELD}:when=1+"), &arguments);
    outcome
        .assert_code(SYSTEM)
        .assert_says(&format!(
            "`source.read-blob` of component `{reader}` for more than 1 s"
        ))
        .assert_says("--guest-wait gives it more time");
    nothing_published(&world, &outcome);
    assert_same(&before, &before.again());
}

/// The staging stays, and is not locked: the next run removes it.
#[test]
fn a_link_that_does_not_come_back() {
    if !tools::require(&["strace"]) {
        return;
    }
    let world = World::new();
    let output = world.path("output");
    let arguments = [
        "--image".into(),
        "team/*:*".into(),
        world.spec("registry", "source"),
        world.spec("registry", "output"),
    ];
    let before = Snapshot::take(world.storage.root());
    // The first one is the probe.
    let outcome = held(&world, &format!("linkat:{HELD}:when=3+"), &arguments);
    outcome
        .assert_code(SYSTEM)
        .assert_says("`output.hard-link` of component `registry` for more than 1 s")
        .assert_says("removed by the next run");
    nothing_published(&world, &outcome);
    // One, or two behind the second wall.
    assert!(
        !staging_beside(&output).is_empty(),
        "{}",
        outcome.everything()
    );
    assert_same(&before, &before.again());

    world
        .regcarve()
        .arg("run")
        .args(&arguments)
        .outcome()
        .assert_code(0);
    assert!(output.is_dir());
    assert_eq!(staging_beside(&output), Vec::<String>::new());
}
