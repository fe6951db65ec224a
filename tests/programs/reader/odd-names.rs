//! Attacks: the catalog of a reader holds names and no paths.

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{ImageRequest, Reader, Referrer, Resolution};
use regcarve_test_programs::ESCAPES;

#[derive(Default)]
struct Program;

impl Reader for Program {
    fn repositories(&mut self) -> Result<Vec<String>, Failure> {
        Ok(vec!["team/app".into(), format!("../../{ESCAPES}")])
    }
    fn tags(&mut self, _: &str) -> Result<Vec<String>, Failure> {
        Ok(vec!["v1".into()])
    }
    fn resolve(&mut self, _: &str, _: Vec<ImageRequest>) -> Vec<Resolution> {
        Vec::new()
    }
    fn referrers(&mut self, _: &str, _: Vec<String>) -> Vec<Referrer> {
        Vec::new()
    }
}

regcarve_layout_kit::raw_layout!(Program, regcarve_test_programs::NoWriter);
