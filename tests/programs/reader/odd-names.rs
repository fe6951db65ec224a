//! Attacks: the catalog of a reader holds names and no paths.

use regcarve_policy_kit::Failure;
use regcarve_policy_kit::layout::{Attachment, Damage, Reader, Resolution, Wanted};
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
    fn resolve(&mut self, _: &str, _: Vec<Wanted>) -> Vec<Resolution> {
        Vec::new()
    }
    fn attached(&mut self, _: &str, _: &[String]) -> Vec<Attachment> {
        Vec::new()
    }
    fn inspect(&mut self, _: &str) -> Vec<Damage> {
        Vec::new()
    }
}

regcarve_policy_kit::layout!(Program, regcarve_test_programs::NoWriter);
