//! Where an output may be, and what happens to what is there.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::snapshot::{Snapshot, assert_same};
use regcarve_test_support::tree::{assert_carved, draw, staging_beside};

use crate::world::{World, program, spec};

#[test]
fn an_output_that_exists_is_left_alone() {
    let world = World::new();
    let output = world.output();
    let aside = world.path("aside");
    fs::create_dir(&aside).unwrap();
    let makers: [(&str, &dyn Fn()); 4] = [
        ("an empty folder", &|| fs::create_dir(&output).unwrap()),
        ("a file", &|| fs::write(&output, "precious").unwrap()),
        ("a symlink", &|| symlink(&aside, &output).unwrap()),
        ("a symlink to nothing", &|| {
            symlink("nowhere", &output).unwrap()
        }),
    ];
    for (name, make) in makers {
        make();
        let before = Snapshot::take(&output);
        world
            .carve(&["--all"])
            .assert_code(6)
            .assert_says("exists already")
            .assert_says("--replace");
        assert_same(&before, &Snapshot::take(&output));
        if output.symlink_metadata().unwrap().is_dir() {
            fs::remove_dir(&output).unwrap();
        } else {
            // Only a folder is ever replaced.
            world
                .carve(&["--all", "--replace"])
                .assert_code(2)
                .assert_says("is not a directory");
            assert_same(&before, &Snapshot::take(&output));
            fs::remove_file(&output).unwrap();
        }
        assert!(
            fs::read_dir(&aside).unwrap().next().is_none(),
            "{name}: something went through it"
        );
    }
}

#[test]
fn replace_exchanges_the_whole() {
    let world = World::new();
    let output = world.output();
    world.carve(&["--image", "team/tool:v1"]).assert_code(0);
    let old = fs::metadata(&output).unwrap().ino();
    world
        .carve(&["--replace", "--image", "team/app:v1"])
        .assert_code(0);
    assert_ne!(
        fs::metadata(&output).unwrap().ino(),
        old,
        "it is another folder"
    );
    assert_carved(world.storage.root(), &output);
    let drawing = draw(&output);
    assert!(
        drawing.contains("team/app") && !drawing.contains("team/tool"),
        "{drawing}"
    );

    // A run that fails leaves the old one in place.
    world
        .carve(&["--replace", "--image", "team/app:v9"])
        .assert_code(3);
    assert_eq!(draw(&output), drawing);
    // Where there is nothing to replace it is a plain run.
    fs::remove_dir_all(&output).unwrap();
    world
        .carve(&["--replace", "--image", "team/app:v1"])
        .assert_code(0);
    assert_eq!(draw(&output), drawing);
}

#[test]
fn outputs_and_source_are_apart() {
    let world = World::new();
    let source = world.storage.root();
    let before = Snapshot::take(source);
    let link = world.path("link");
    symlink(source, &link).unwrap();
    let inside = [
        source.join("out"),
        source.join("docker/out"),
        link.join("out"),
        source.join("docker/../out"),
        source.to_owned(),
    ];
    for output in &inside {
        let outcome = program("run")
            .args(["--all", "--replace"])
            .arg(world.source())
            .arg(spec(output))
            .outcome();
        outcome.assert_code(2).assert_says("inside of one another");
    }
    // The source inside of the output would be exchanged with it.
    let outcome = program("run")
        .args(["--all", "--replace"])
        .arg(spec(&source.join("docker")))
        .arg(spec(source))
        .outcome();
    outcome.assert_code(2).assert_says("inside of one another");
    let twice = spec(&world.path("twice"));
    let outcome = program("run")
        .arg("--all")
        .arg(world.source())
        .args([&twice, &twice])
        .outcome();
    outcome
        .assert_code(2)
        .assert_says("the same, or inside of one another");
    assert_same(&before, &Snapshot::take(source));
    let names = fs::read_dir(world.path("")).unwrap().count();
    assert_eq!(names, 2, "more than the source and the symlink");
}

#[test]
fn several_outputs_are_published_together_or_not_at_all() {
    let world = World::new();
    let (one, two) = (world.path("one"), world.path("two"));
    let run = || {
        program("run")
            .args(["--all", "--report", "-"])
            .arg(world.source())
            .args([spec(&one), spec(&two)])
            .outcome()
    };
    run().assert_code(0);
    assert_eq!(draw(&one), draw(&two));
    fs::remove_dir_all(&one).unwrap();
    run().assert_code(6);
    assert!(
        !one.exists(),
        "the first was published although the second could not be"
    );
    assert!(staging_beside(&one).is_empty() && staging_beside(&two).is_empty());
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let world = World::new();
    let left = world.path(".output.partial-1-0000dead");
    fs::create_dir_all(left.join("deep/er")).unwrap();
    fs::write(left.join("deep/er/data"), "half").unwrap();
    world.carve(&["--image", "team/app:v1"]).assert_code(0);
    assert!(!left.exists());
}

#[test]
fn an_output_needs_a_folder_to_be_in() {
    let world = World::new();
    let output = spec(&world.path("no/such/folder/output"));
    let outcome = program("run")
        .arg("--all")
        .arg(world.source())
        .arg(output)
        .outcome();
    outcome
        .assert_code(1)
        .assert_says("no/such/folder")
        .assert_says("No such file");
}
