//! Attacks: a call of a writer ends within `--guest-time`, when all is placed but nothing published.

use regcarve_policy_kit::Failure;
use regcarve_policy_kit::layout::{Entry, Placed, Writer, output};

#[derive(Default)]
struct Program;

impl Writer for Program {
    fn place(&mut self, image: Placed) -> Result<(), Failure> {
        output::hard_link(&image.digest, &image.digest)
    }
    fn finish(&mut self, _: Vec<Entry>) -> Result<(), Failure> {
        regcarve_test_programs::spin()
    }
}

regcarve_policy_kit::layout!(regcarve_test_programs::NoReader, Program);
