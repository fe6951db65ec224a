//! Where an output may be, and what happens to what is there.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::fixture::{program, registry};
use regcarve_test_support::snapshot::{Snapshot, assert_same};
use regcarve_test_support::tree::{assert_carved, draw, staging_beside};

use super::images::six_images;

#[test]
fn an_existing_output_is_not_touched_without_replace() {
    let fixture = six_images();
    let output = fixture.output();
    let aside = fixture.path("aside");
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
        fixture
            .carve(&["--all"])
            .assert_code(6)
            .assert_says("exists already")
            .assert_says("--replace");
        assert_same(&before, &Snapshot::take(&output));
        if output.symlink_metadata().unwrap().is_dir() {
            fs::remove_dir(&output).unwrap();
        } else {
            // Only a folder is ever replaced.
            fixture
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
fn replace_exchanges_the_whole_output() {
    let fixture = six_images();
    let output = fixture.output();
    fixture.carve(&["--image", "team/tool:v1"]).assert_code(0);
    let old = fs::metadata(&output).unwrap().ino();
    fixture
        .carve(&["--replace", "--image", "team/app:v1"])
        .assert_code(0);
    assert_ne!(
        fs::metadata(&output).unwrap().ino(),
        old,
        "it is another folder"
    );
    assert_carved(fixture.storage.root(), &output);
    let drawing = draw(&output);
    assert!(
        drawing.contains("team/app") && !drawing.contains("team/tool"),
        "{drawing}"
    );

    // A run that fails leaves the old one in place.
    fixture
        .carve(&["--replace", "--image", "team/app:v9"])
        .assert_code(3);
    assert_eq!(draw(&output), drawing);
    // Where there is nothing to replace it is a plain run.
    fs::remove_dir_all(&output).unwrap();
    fixture
        .carve(&["--replace", "--image", "team/app:v1"])
        .assert_code(0);
    assert_eq!(draw(&output), drawing);
}

#[test]
fn source_and_outputs_may_not_overlap() {
    let fixture = six_images();
    let source = fixture.storage.root();
    let before = Snapshot::take(source);
    let link = fixture.path("link");
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
            .arg(fixture.source())
            .arg(registry(output))
            .outcome();
        outcome.assert_code(2).assert_says("inside of one another");
    }
    // The source inside of the output would be exchanged with it.
    let outcome = program("run")
        .args(["--all", "--replace"])
        .arg(registry(&source.join("docker")))
        .arg(registry(source))
        .outcome();
    outcome.assert_code(2).assert_says("inside of one another");
    let twice = registry(&fixture.path("twice"));
    let outcome = program("run")
        .arg("--all")
        .arg(fixture.source())
        .args([&twice, &twice])
        .outcome();
    outcome
        .assert_code(2)
        .assert_says("the same, or inside of one another");
    assert_same(&before, &Snapshot::take(source));
    let names = fs::read_dir(fixture.path("")).unwrap().count();
    assert_eq!(names, 2, "more than the source and the symlink");
}

#[test]
fn several_outputs_are_published_together_or_not_at_all() {
    let fixture = six_images();
    let (one, two) = (fixture.path("one"), fixture.path("two"));
    let run = || {
        program("run")
            .args(["--all", "--report", "-"])
            .arg(fixture.source())
            .args([registry(&one), registry(&two)])
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
fn staging_of_a_killed_run_is_removed_by_the_next() {
    let fixture = six_images();
    let left = fixture.path(".output.partial-1-0000dead");
    fs::create_dir_all(left.join("deep/er")).unwrap();
    fs::write(left.join("deep/er/data"), "half").unwrap();
    fixture.carve(&["--image", "team/app:v1"]).assert_code(0);
    assert!(!left.exists());
}

#[test]
fn the_folder_of_an_output_must_exist() {
    let fixture = six_images();
    let output = registry(&fixture.path("no/such/folder/output"));
    let outcome = program("run")
        .arg("--all")
        .arg(fixture.source())
        .arg(output)
        .outcome();
    outcome
        .assert_code(1)
        .assert_says("no/such/folder")
        .assert_says("No such file");
}
