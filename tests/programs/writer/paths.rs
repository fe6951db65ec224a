//! Attacks: every path stays below the output, by its form alone.

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{PlacedImage, output};
use regcarve_test_programs::refused;

fn place(image: &PlacedImage) -> Result<(), Failure> {
    let long_name = "n".repeat(256);
    let long_path = "p/".repeat(600) + "p";
    let paths = [
        "",
        ".",
        "..",
        "/",
        "/etc/breach",
        "//etc/breach",
        "../breach",
        "a/../../breach",
        "a/..",
        "./a",
        "a/./b",
        "a/.",
        "a//b",
        "a/",
        "a\0b",
        "\0",
        &long_name,
        &long_path,
    ];
    let mut last = Failure::NotFound;
    for path in paths {
        refused(path, output::hard_link(&image.digest, path));
        refused(path, output::write_link(path, &image.digest));
        refused(path, output::make_directory(path));
        last = refused(path, output::write_file(path, b"breach"));
    }
    Err(last)
}

regcarve_test_programs::writer!(place);
