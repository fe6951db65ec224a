//! Attacks: every question is about something below the source, by the form of its path alone.
#![allow(clippy::panic, reason = "that is what it is for")]

use regcarve_layout_kit::raw::{Damage, Image, ImageRequest, Resolution, source};
use regcarve_test_programs::refused;

fn resolve(_: Image, _: &ImageRequest) -> Resolution {
    let long_name = "n".repeat(256);
    let long_path = "p/".repeat(600) + "p";
    let paths = [
        "",
        ".",
        "..",
        "/",
        "/etc/passwd",
        "//etc/passwd",
        "../secret",
        "a/../../secret",
        "manifest/..",
        "./manifest",
        "manifest/",
        "a//b",
        "manifest\0",
        &long_name,
        &long_path,
    ];
    let mut damages = Vec::new();
    for path in paths {
        refused(path, source::read_file(path));
        refused(path, source::read_blob(path, None));
        refused(path, source::read_link(path));
        // The root has no name; listing is what can be done with it.
        if !path.is_empty() {
            refused(path, source::list_directory(path, None));
        }
        let cause = refused(path, source::file_size(path)).to_string();
        damages.push(Damage {
            path: "every path".into(),
            cause,
        });
    }
    // A symbolic link in the storage points at the file that the test guards.
    if let Ok(bytes) = source::read_file("symlink") {
        panic!("BREACH: followed a symbolic link: {bytes:?}");
    }
    Resolution::Damaged(damages)
}

regcarve_test_programs::reader!(resolve);
