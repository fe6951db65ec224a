//! Any answer of a selector. Its bytes are the characters of the list.

use regcarve_policy_kit::selector::{Problem, Request, Selection, Selector};
use regcarve_test_programs::bytes_of;
use regcarve_test_programs::wild::Wild;

struct Program;

impl Selector for Program {
    fn parse(_: &str, text: &str) -> Selection {
        let bytes = bytes_of(text);
        let wild = &mut Wild::new(&bytes);
        let known = [
            "team/app:v1",
            "team/*:*",
            "**:v?",
            "team/app:{v1,v2}",
            "other/app:v1",
        ];
        let requests = wild.some(6, |wild| {
            let reference = wild.one_of(&known).unwrap_or_default();
            Request {
                line: wild.number() as u32,
                reference: wild.near(reference),
            }
        });
        let problems = if wild.once_in(3) {
            wild.some(3, |wild| Problem {
                line: wild.number() as u32,
                message: wild.text(),
            })
        } else {
            Vec::new()
        };
        Selection { requests, problems }
    }
}

regcarve_policy_kit::selector!(Program);
