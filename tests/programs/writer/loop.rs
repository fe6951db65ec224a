//! Attacks: a call of a writer ends within `--guest-time`, when all is placed but nothing published.

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{ImageSummary, PlacedImage, Writer, output};

#[derive(Default)]
struct Program;

impl Writer for Program {
    fn place(&mut self, image: PlacedImage) -> Result<(), Failure> {
        output::hard_link(&image.digest, &image.digest)
    }
    fn finish(&mut self, _: Vec<ImageSummary>) -> Result<(), Failure> {
        regcarve_test_programs::spin()
    }
}

regcarve_layout_kit::raw_layout!(regcarve_test_programs::NoReader, Program);
