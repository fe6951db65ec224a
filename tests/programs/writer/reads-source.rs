//! Attacks: a component that runs as a writer does not read, although its file could.

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{PlacedImage, source};
use regcarve_test_programs::refused;

fn place(_: &PlacedImage) -> Result<(), Failure> {
    refused("list-directory", source::list_directory("docker", None));
    refused("read-file", source::read_file("secret"));
    refused("read-blob", source::read_blob("secret", None));
    refused("read-link", source::read_link("secret"));
    Err(refused("file-size", source::file_size("secret")))
}

regcarve_test_programs::writer!(place);
