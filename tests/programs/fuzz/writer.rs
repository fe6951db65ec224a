//! Any step of a writer. Its bytes are the name of the tag.

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{ImageSummary, PlacedImage, Writer, output};
use regcarve_test_programs::hex_of;
use regcarve_test_programs::wild::Wild;

const PATHS: [&str; 8] = [
    "a",
    "b",
    "a/b",
    "a/c",
    "a/b/c",
    "d/e/f",
    "d/e/g",
    "long-name",
];

#[derive(Default)]
struct Program;

impl Writer for Program {
    fn place(&mut self, image: PlacedImage) -> Result<(), Failure> {
        let bytes = hex_of(image.tag.as_deref().unwrap_or_default());
        let wild = &mut Wild::new(&bytes);
        let known: Vec<_> = image
            .entries
            .iter()
            .map(|content| content.digest.clone())
            .collect();
        for _ in 0..wild.below(12) {
            let step = step(wild, &known);
            if wild.once_in(6) {
                step?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, images: Vec<ImageSummary>) -> Result<(), Failure> {
        let known: Vec<_> = images.iter().map(|image| image.digest.clone()).collect();
        for image in &images {
            let bytes = hex_of(image.tag.as_deref().unwrap_or_default());
            let wild = &mut Wild::new(&bytes[bytes.len() / 2..]);
            let _ = step(wild, &known);
            if wild.once_in(6) {
                return Err(wild.failure());
            }
        }
        Ok(())
    }
}

fn step(wild: &mut Wild<'_>, known: &[String]) -> Result<(), Failure> {
    let path = wild.path(&PATHS);
    match wild.below(5) {
        0 | 1 => output::hard_link(&wild.digest(known), &path),
        2 => output::write_link(&path, &wild.digest(known)),
        3 => output::write_file(&path, wild.text().as_bytes()),
        _ => output::make_directory(&path),
    }
}

regcarve_layout_kit::raw_layout!(regcarve_test_programs::NoReader, Program);
