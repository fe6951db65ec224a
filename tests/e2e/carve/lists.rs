//! Every form that a list may have means the same.

use std::fs::{self, File};

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::fixture::program;

use super::images::six_images;

const WANTED: [&str; 3] = ["library/alpine:3.6", "team/app:v1", "team/tool:v2"];

#[test]
fn every_spelling_of_a_list_selects_the_same_images() {
    let fixture = six_images();
    let plain = WANTED.join("\n");
    let forms = [
        ("plain", format!("{plain}\n")),
        ("without a last line end", plain.clone()),
        ("with a byte order mark", format!("\u{feff}{plain}\n")),
        ("with CRLF", format!("{}\r\n", WANTED.join("\r\n"))),
        (
            "with blanks",
            format!("\n\n  {}\t\n\n \n", WANTED.join("  \n\n  ")),
        ),
        (
            "with comments",
            format!("# all\n{} # why\n#team/tool:v1\n", WANTED.join("\t# why\n")),
        ),
        (
            "with lines of the old script",
            format!("/team/tool:v1\n{plain}\n/library/alpine:3.7\n"),
        ),
        ("with doubles", format!("{plain}\n{plain}\n{plain}\n")),
        (
            "of patterns",
            "*/alpine:*.6\n**/app:v?\nteam/t*:v[2-3]\n".to_owned(),
        ),
        (
            "of alternatives",
            "library/alpine:3.6\nteam/app:{v1,v9}\nteam/{tool,toll}:v2\n".to_owned(),
        ),
        (
            "of patterns and what they match",
            format!("{plain}\nteam/app:*\nteam/a*:v1\n"),
        ),
    ];
    for (name, text) in forms {
        let list = fixture.write("form.list", text);
        let outcome = program("plan")
            .args(["--format", "json", "--list", &list])
            .arg(fixture.source())
            .outcome();
        outcome.assert_code(0);
        assert_eq!(
            outcome.listed("images", "reference"),
            WANTED,
            "a list {name}"
        );
    }
}

#[test]
fn lists_come_from_folders_and_from_standard_input() {
    let fixture = six_images();
    let first = fixture.write("lists/a/first.list", "library/alpine:3.6\n");
    let second = fixture.write("lists/b.list", "\nteam/app:v1\n");
    fixture.write("lists/notes.txt", "team/tool:v1\n");
    let folder = fixture.path("lists").display().to_string();
    let input = File::open(fixture.write("stdin", "team/tool:v2\n")).unwrap();
    let outcome = program("plan")
        .args(["--format", "json", "--list", &folder, "--list", "-"])
        .arg(fixture.source())
        .stdin(input)
        .outcome();
    outcome.assert_code(0);
    assert_eq!(outcome.listed("images", "reference"), WANTED);
    assert_eq!(
        outcome.listed("images", "from"),
        [
            format!("{first}:1"),
            format!("{second}:2"),
            "-:1".to_owned()
        ]
    );
}

#[test]
fn a_digest_names_an_image_and_pins_a_tag() {
    let fixture = six_images();
    let alpine = &fixture.made.alpine;
    let list = fixture.write(
        "release.list",
        format!("library/alpine@{alpine}\nlibrary/alpine:3.6@{alpine}\n"),
    );
    let outcome = program("plan")
        .args(["--format", "json", "--list", &list])
        .arg(fixture.source())
        .outcome();
    outcome.assert_code(0);
    let by_digest = format!("library/alpine@{alpine}");
    assert_eq!(
        outcome.listed("images", "reference"),
        [by_digest.as_str(), "library/alpine:3.6"]
    );
    assert_eq!(outcome.listed("images", "digest"), [alpine.as_str(); 2]);

    // The tag moves; the list does not.
    let new = fixture.storage.current("library/alpine", "3.7");
    fixture.storage.tag("library/alpine", "3.6", &new);
    let outcome = fixture.refuse(3, &["--list", &list]);
    outcome
        .assert_says(&format!("missing: library/alpine:3.6@{alpine} ({list}:2)"))
        .assert_says(&format!("the tag now names {new}"));
    assert_eq!(
        outcome.listed("missing", "reference").len(),
        1,
        "the digest itself is still there"
    );
}

#[test]
fn a_list_without_references_is_refused() {
    let fixture = six_images();
    let empty = fixture.write("empty.list", "# nothing yet\n\n");
    let folder = fixture.path("none");
    fs::create_dir(&folder).unwrap();
    fixture
        .refuse(2, &["--list", &empty])
        .assert_says("the lists ask for nothing");
    fixture
        .refuse(2, &["--list", &folder.display().to_string()])
        .assert_says("no *.list");
    fixture
        .refuse(
            2,
            &["--list", &fixture.path("gone.list").display().to_string()],
        )
        .assert_says("gone.list");
    fixture
        .refuse::<&str>(2, &[])
        .assert_says("nothing is asked for");
}
