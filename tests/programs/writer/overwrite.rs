//! Attacks: nothing in the output is ever opened again. A file that was linked is the very file of the source.

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{PlacedImage, output};

fn place(image: &PlacedImage) -> Result<(), Failure> {
    let [one, two] = [0, 1].map(|position| image.entries[position].digest.as_str());
    output::hard_link(one, "a/linked")?;
    output::write_link("a/written", two)?;
    let attempts = [
        (
            "a link file over a linked file",
            output::write_link("a/linked", two),
        ),
        (
            "a file over a linked file",
            output::write_file("a/linked", b"breach"),
        ),
        (
            "an empty file over a linked file",
            output::write_file("a/linked", b""),
        ),
        (
            "other content over a linked file",
            output::hard_link(two, "a/linked"),
        ),
        (
            "a folder over a linked file",
            output::make_directory("a/linked"),
        ),
        (
            "a file below a linked file",
            output::write_file("a/linked/b", b"breach"),
        ),
        (
            "content over a link file",
            output::hard_link(two, "a/written"),
        ),
        (
            "another link over a link file",
            output::write_link("a/written", one),
        ),
        (
            "a longer file over a link file",
            output::write_file("a/written", format!("{two}\n").as_bytes()),
        ),
        ("a file over a folder", output::write_file("a", b"breach")),
        ("content over a folder", output::hard_link(one, "a")),
    ];
    for (what, answer) in attempts {
        assert!(
            matches!(answer, Err(Failure::Occupied)),
            "BREACH: {what}: {answer:?}"
        );
    }
    // The same step twice is fine.
    output::hard_link(one, "a/linked")?;
    output::write_link("a/written", two)?;
    output::make_directory("a")?;
    Err(Failure::Occupied)
}

regcarve_test_programs::writer!(place);
