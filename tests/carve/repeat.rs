//! The same release again: left alone if nothing has changed, and only then.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::programs::example_policy;
use regcarve_test_support::tree::{assert_carved, draw, walk};

use crate::world::{World, program, spec};

/// File systems stamp times with a clock of some milliseconds: what happens within one tick cannot be told apart, so
/// a run never takes such things for old.
fn tick() {
    std::thread::sleep(Duration::from_millis(25));
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn is_unchanged(outcome: &Outcome) -> bool {
    outcome.report()["outcome"] == "unchanged"
}

#[test]
fn an_unchanged_release_is_left_alone() {
    let world = World::new();
    tick();
    let list = world.list("a.list", "library/*:3.*\nteam/app:v1\n");
    let args = ["--replace", "--list", &list];
    let first = world.carve(&args);
    first.assert_code(0);
    let output = world.output();
    let (there, drawing) = (inode(&output), draw(&output));
    for jobs in ["1", "2", "7"] {
        let again = world.carve(&["--replace", "--list", &list, "--jobs", jobs]);
        again.assert_code(0).assert_says("unchanged, 3 images");
        assert!(is_unchanged(&again), "{}", again.everything());
        for list in ["images", "components"] {
            assert_eq!(again.report()[list], first.report()[list]);
        }
        assert_eq!(
            again.report()["totals"]["blobs"],
            first.report()["totals"]["blobs"]
        );
        assert_eq!(again.report()["totals"]["written"], 0);
        assert_eq!((inode(&output), draw(&output)), (there, drawing.clone()));
    }
    assert_carved(world.storage.root(), &output);
}

#[test]
fn several_outputs_are_left_alone_together() {
    let world = World::new();
    tick();
    let outputs =
        ["registry", "dir", "oci"].map(|format| (format, world.path(&format!("as-{format}"))));
    let run = || {
        let mut run = program("run");
        run.args(["--all", "--replace"]).arg(world.source());
        for (format, path) in &outputs {
            run.arg(format!("{format}:{}", path.display()));
        }
        let outcome = run.reported();
        outcome.assert_code(0);
        is_unchanged(&outcome)
    };
    assert!(!run());
    assert!(run());
    tick();
    fs::remove_file(outputs[2].1.join("index.json")).unwrap();
    assert!(!run());
    assert!(outputs[2].1.join("index.json").is_file());
    tick();
    assert!(run());

    // And the other formats as sources.
    for (format, path) in &outputs {
        let from = format!("{format}:{}", path.display());
        let back = world.path(&format!("from-{format}"));
        let run = || {
            let mut run = program("run");
            run.args(["--all", "--replace"])
                .args([from.clone(), spec(&back)]);
            let outcome = run.reported();
            outcome.assert_code(0);
            is_unchanged(&outcome)
        };
        assert_eq!([run(), run()], [false, true], "{format}");
    }
}

/// Something that happens between two runs.
type Change<'a> = (&'a str, &'a dyn Fn(&World));

#[test]
fn any_change_is_noticed() {
    let in_output = |world: &World, ending: &str| {
        let (path, _) = walk(&world.output())
            .into_iter()
            .find(|(path, _)| path.to_string_lossy().ends_with(ending))
            .expect("the output has such a path");
        world.output().join(path)
    };
    let stamp = |world: &World| world.path(".output.regcarve/stamp");
    let changes: [Change<'_>; 13] = [
        ("a tag that is moved in place", &|world| {
            let tag = world.storage.tag_path("library/alpine", "3.7");
            fs::write(tag, world.alpine.to_string()).unwrap();
        }),
        ("a new tag", &|world| {
            world.storage.tag("library/alpine", "3.6.1", &world.alpine);
        }),
        ("a new repository", &|world| {
            world.storage.image(
                "new/one",
                "v1",
                &[b"base"],
                &serde_json::json!({ "os": "linux" }),
            );
        }),
        ("a new signature", &|world| {
            let tag = format!("{}.sig", world.alpine.to_string().replace(':', "-"));
            world.storage.image(
                "library/alpine",
                &tag,
                &[b"signature"],
                &serde_json::json!({}),
            );
        }),
        ("a blob of the source that is another file now", &|world| {
            let blob = world.storage.blob_path(&world.alpine);
            let bytes = fs::read(&blob).unwrap();
            fs::remove_file(&blob).unwrap();
            fs::write(&blob, bytes).unwrap();
        }),
        ("a link file of the output", &|world| {
            let link = in_output(world, "current/link");
            let text = fs::read(&link).unwrap();
            fs::write(&link, text).unwrap();
        }),
        ("a file too many in the output", &|world| {
            fs::write(in_output(world, "current/link").with_file_name("odd"), "").unwrap();
        }),
        ("a file too few in the output", &|world| {
            fs::remove_file(in_output(world, "data")).unwrap();
        }),
        ("another folder under the output's name", &|world| {
            fs::rename(world.output(), world.path("moved")).unwrap();
            fs::create_dir(world.output()).unwrap();
        }),
        ("an output that is gone", &|world| {
            fs::remove_dir_all(world.output()).unwrap();
        }),
        ("a stamp that is gone", &|world| {
            fs::remove_file(stamp(world)).unwrap()
        }),
        ("a stamp that is cut off", &|world| {
            let bytes = fs::read(stamp(world)).unwrap();
            fs::write(stamp(world), &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("a stamp that somebody has edited", &|world| {
            let text = fs::read_to_string(stamp(world)).unwrap();
            fs::write(stamp(world), text.replacen("v1", "v2", 1)).unwrap();
        }),
    ];
    for (name, change) in changes {
        let world = World::new();
        tick();
        world.carve(&["--all", "--replace"]).assert_code(0);
        tick();
        change(&world);
        tick();
        let outcome = world.carve(&["--all", "--replace"]);
        outcome.assert_code(0);
        assert!(!is_unchanged(&outcome), "{name}: not noticed");
        assert_carved(world.storage.root(), &world.output());
        let outcome = world.carve(&["--all", "--replace"]);
        assert!(is_unchanged(&outcome), "{name}: still not over");
    }
}

#[test]
fn a_stamp_that_is_no_file_of_its_own_is_left_alone() {
    let world = World::new();
    tick();
    let (stamp, elsewhere) = (
        world.path(".output.regcarve/stamp"),
        world.path("elsewhere"),
    );
    fs::create_dir(stamp.parent().unwrap()).unwrap();
    let makers: [(&str, &dyn Fn()); 3] = [
        ("a symbolic link", &|| {
            symlink("../elsewhere", &stamp).unwrap()
        }),
        ("a second name", &|| {
            fs::hard_link(&elsewhere, &stamp).unwrap()
        }),
        ("a folder", &|| fs::create_dir(&stamp).unwrap()),
    ];
    fs::write(&elsewhere, "precious").unwrap();
    for (name, make) in makers {
        make();
        assert_carved_anew(&world, name);
        assert_eq!(fs::read(&elsewhere).unwrap(), b"precious", "{name}");
        if stamp.symlink_metadata().unwrap().is_dir() {
            fs::remove_dir(&stamp).unwrap();
        } else {
            fs::remove_file(&stamp).unwrap();
        }
    }
}

/// The second run finds no stamp either.
fn assert_carved_anew(world: &World, name: &str) {
    for _ in 0..2 {
        let outcome = world.carve(&["--all", "--replace"]);
        outcome.assert_code(0);
        assert!(!is_unchanged(&outcome), "{name}");
    }
}

/// The same of its folder.
#[test]
fn a_stamp_in_no_folder_of_its_own_is_left_alone() {
    let world = World::new();
    tick();
    let (folder, elsewhere) = (world.path(".output.regcarve"), world.path("elsewhere"));
    fs::create_dir(&elsewhere).unwrap();
    let makers: [(&str, &dyn Fn()); 2] = [
        ("a symbolic link", &|| {
            symlink("elsewhere", &folder).unwrap()
        }),
        ("a file", &|| fs::write(&folder, "precious").unwrap()),
    ];
    for (name, make) in makers {
        make();
        assert_carved_anew(&world, name);
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "{name}");
        fs::remove_file(&folder).unwrap();
    }
}

/// Everything in the world's folder, with the bytes of files that are beside the storage and the outputs.
fn beside(world: &World) -> Vec<(String, Vec<u8>)> {
    walk(&world.path(""))
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| !path.starts_with("source"))
        .map(|path| {
            let bytes = fs::read(world.path("").join(&path)).unwrap_or_default();
            (path.display().to_string(), bytes)
        })
        .collect()
}

/// What the arguments make the run fail with.
type Failure = (i32, Vec<String>);

/// Before the wall stands, and behind it.
fn failures(world: &World) -> Vec<Failure> {
    let nowhere = spec(&world.path("no/folder/output"));
    let failures: [(i32, &[&str]); 4] = [
        (1, &["--all", &nowhere]),
        (2, &["--all", "--policy", r#"match={"odd":1}"#]),
        (3, &["--image", "no/such:image"]),
        (5, &["--image", "team/app:v1", "--guest-calls", "1"]),
    ];
    let owned = |args: &[&str]| args.iter().map(ToString::to_string).collect();
    failures.map(|(code, args)| (code, owned(args))).into()
}

/// When everything is done and published.
fn late_failure() -> Failure {
    (
        1,
        ["--all", "--report", "/dev/full"].map(str::to_owned).into(),
    )
}

fn fail(world: &World, sandbox: &str, (code, args): &Failure) {
    let mut run = program("run");
    run.args(["--replace", "--sandbox", sandbox, &world.source()]);
    // Not as an `Outcome`, which would read the report: `/dev/full` has no end.
    let ended = run.arg(spec(&world.output())).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(*code), "{args:?}: {said}");
}

#[test]
fn a_failed_run_leaves_nothing_new() {
    for sandbox in ["auto", "off"] {
        let world = World::new();
        let before = beside(&world);
        for failure in failures(&world).into_iter().chain([late_failure()]) {
            fail(&world, sandbox, &failure);
            assert!(beside(&world) == before, "{failure:?} {sandbox}");
        }
    }
}

#[test]
fn a_failed_run_leaves_the_stamp_of_the_one_before() {
    for sandbox in ["auto", "off"] {
        let world = World::new();
        let run = || {
            let outcome = world.carve(&["--all", "--replace"]);
            outcome.assert_code(0);
            is_unchanged(&outcome)
        };
        tick();
        assert!(!run());
        let before = beside(&world);
        for failure in failures(&world) {
            tick();
            fail(&world, sandbox, &failure);
            assert!(beside(&world) == before, "{failure:?} {sandbox}");
            assert!(run(), "{failure:?} {sandbox}: the stamp does not hold");
        }
        // The output had another name for a moment. Some file systems note that in what is renamed, and all is done again.
        fail(&world, sandbox, &late_failure());
        assert!(beside(&world) == before, "{sandbox}");
        run();
        assert!(run());
        // What happens between a good run and one that fails is noticed by the next.
        tick();
        world.storage.tag("library/alpine", "3.6.1", &world.alpine);
        tick();
        fail(&world, sandbox, &failures(&world)[2]);
        assert_eq!([run(), run()], [false, true]);
    }
}

#[test]
fn damage_in_the_source_is_said_every_time() {
    let world = World::new();
    tick();
    world.carve(&["--all", "--replace"]).assert_code(0);
    let there = inode(&world.output());
    tick();
    fs::remove_file(world.storage.blob_path(&world.alpine)).unwrap();
    for _ in 0..2 {
        world.carve(&["--all", "--replace"]).assert_code(4);
        assert_eq!(inode(&world.output()), there);
    }
}

#[test]
fn another_question_is_answered_anew() {
    let world = World::new();
    let other = world.path("other");
    fs::create_dir(&other).unwrap();
    tick();
    let list = world.list("a.list", "library/*:*\n");
    let plain = ["--list", &list];
    let settings = |deny: &str| format!(r#"match={{"deny":["{deny}"]}}"#);
    let (old, new) = (settings("**:3.6"), settings("**:3.7"));
    let variants: [&[&str]; 8] = [
        &["--list", &list, "--no-attached"],
        &["--list", &list, "--allow-missing"],
        &["--list", &list, "--policy", &old],
        &["--list", &list, "--policy", &new],
        &["--list", &list, "--link", "copy"],
        &["--list", &list, "--durability", "none"],
        &["--image", "library/*:*"],
        &["--list", &list, "--platform", "linux/amd64"],
    ];
    let run = |args: &[&str]| {
        let mut all = vec!["--replace"];
        all.extend(args);
        let outcome = world.carve(&all);
        outcome.assert_code(0);
        is_unchanged(&outcome)
    };
    assert!(!run(&plain));
    for variant in variants {
        assert!(!run(variant), "{variant:?}");
        assert!(run(variant), "{variant:?}, again");
    }
    assert!(!run(&plain));
    world.list("a.list", "library/*:3.6\n");
    assert!(!run(&plain), "another list of the same name");
    assert!(run(&plain));
    assert!(
        !run(&["--list", &list, "--verify", "full"]),
        "hashing was asked for"
    );
    // Without --replace the name is taken, whatever is in it.
    world.carve(&plain).assert_code(6);
}

#[test]
fn a_policy_that_could_look_at_a_clock_is_asked_every_time() {
    let world = World::new();
    tick();
    let policy = example_policy().display().to_string();
    let run = |epoch: Option<&str>| {
        let mut run = program("run");
        run.env_remove("SOURCE_DATE_EPOCH")
            .envs(epoch.map(|epoch| ("SOURCE_DATE_EPOCH", epoch)));
        run.args([
            "--all",
            "--replace",
            "--policy",
            &policy,
            &world.source(),
            &spec(&world.output()),
        ]);
        let outcome = run.reported();
        outcome.assert_code(0);
        is_unchanged(&outcome)
    };
    assert_eq!([run(None), run(None)], [false, false]);
    assert_eq!(
        [run(Some("1")), run(Some("1")), run(Some("2"))],
        [false, true, false]
    );
}

/// A pipe gives its text once: to the run, and not to a look whether the run is needed.
#[test]
fn pipes_are_read_once() {
    let world = World::new();
    let other = world.list("other.list", "team/tool:v1\n");
    let script = r#"exec "$1" run --replace --list <(echo "$2") --list "$3" --policy match=@<(echo "$4") "$5" "$6""#;
    let run = |line: &str, settings: &str| {
        let outcome = Command::new("bash")
            .args(["-c", script, "bash", env!("CARGO_BIN_EXE_regcarve")])
            .args([line, &other, settings, &world.source()])
            .arg(spec(&world.output()))
            .outcome();
        outcome.assert_code(0);
        outcome
    };
    let none = r#"{"deny":["**:v1"]}"#;
    run("library/alpine:3.6", "{}").assert_says(": 2 images");
    run("library/alpine:3.7", "{}").assert_says(": 2 images");
    assert!(draw(&world.output()).contains("3.7"));
    assert!(!draw(&world.output()).contains("3.6"));
    run("library/alpine:3.7", none).assert_says(": 1 image");

    let piped = |line: &str| {
        let script = r#"echo "$2" | "$1" run --replace --list /dev/stdin "$3" "$4""#;
        Command::new("bash")
            .args(["-c", script, "bash", env!("CARGO_BIN_EXE_regcarve"), line])
            .args([&world.source(), &spec(&world.output())])
            .outcome()
    };
    piped("team/*:v1").assert_code(0).assert_says(": 2 images");
    piped("team/*:v*").assert_code(0).assert_says(": 4 images");
}

/// As tar, `cp -a` and restored backups do: other bytes of the same length, and an old time. A new file may even have the
/// inode and the time of the one before.
#[test]
fn what_an_archive_has_put_back_is_noticed() {
    for (name, is_new_file) in [("a new file", true), ("the same file", false)] {
        let world = World::new();
        let layout = world.path("layout");
        let carve = |from: &str, to: &str, path: &Path| {
            let mut run = program("run");
            run.args(["--replace", "--all", from]);
            let outcome = run.arg(format!("{to}:{}", path.display())).reported();
            outcome.assert_code(0);
            is_unchanged(&outcome)
        };
        carve(&world.source(), "oci", &layout);
        let from = format!("oci:{}", layout.display());
        tick();
        assert!(!carve(&from, "registry", &world.output()));
        assert!(carve(&from, "registry", &world.output()));
        tick();
        let index = layout.join("index.json");
        let mut time = fs::metadata(&index).unwrap().modified().unwrap();
        let text = fs::read_to_string(&index).unwrap();
        if is_new_file {
            fs::remove_file(&index).unwrap();
        } else {
            time -= Duration::from_secs(60);
        }
        fs::write(&index, text.replace("v1-snapshot", "v1-released")).unwrap();
        let file = fs::File::options().write(true).open(&index).unwrap();
        file.set_modified(time).unwrap();
        tick();
        assert!(
            !carve(&from, "registry", &world.output()),
            "{name}: not noticed"
        );
        assert!(draw(&world.output()).contains("v1-released"), "{name}");
    }
}

/// Not even when the clock of the file system has not moved on since.
#[test]
fn a_change_right_after_a_run_is_noticed() {
    for round in 0..10 {
        let world = World::new();
        tick();
        let mut run = program("run");
        run.args([
            "--all",
            "--replace",
            &world.source(),
            &spec(&world.output()),
        ]);
        assert!(run.status().unwrap().success());
        let tag = "docker/registry/v2/repositories/team/tool/_manifests/tags/v1/current/link";
        fs::write(world.output().join(tag), world.alpine.to_string()).unwrap();
        let outcome = world.carve(&["--all", "--replace"]);
        outcome.assert_code(0);
        assert!(!is_unchanged(&outcome), "round {round}: not noticed");
        assert_carved(world.storage.root(), &world.output());
    }
}

#[test]
fn a_list_whose_name_is_no_text_is_read() {
    let world = World::new();
    let list = world.path("").join(OsStr::from_bytes(b"\xe4.list"));
    fs::write(&list, "team/tool:v1\n").unwrap();
    for _ in 0..2 {
        let mut run = program("run");
        run.args(["--replace", "--list"]).arg(&list);
        let outcome = run.args([world.source(), spec(&world.output())]).reported();
        outcome.assert_code(0);
        assert!(!is_unchanged(&outcome));
    }
}

/// What was left by a run that was killed goes with the next one, whatever that has to do.
#[test]
fn what_was_left_is_removed_by_a_run_that_does_nothing_else() {
    let world = World::new();
    tick();
    world.carve(&["--all", "--replace"]).assert_code(0);
    let left = world.path(".output.partial-4711-0123abcd");
    fs::create_dir_all(left.join("docker/registry")).unwrap();
    let outcome = world.carve(&["--all", "--replace"]);
    assert!(is_unchanged(&outcome), "{}", outcome.everything());
    assert!(!left.exists());
}
