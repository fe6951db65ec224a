//! Attacks: what a selector names is a reference, or a line that is none.

use regcarve_policy_kit::selector::{Request, Selection, Selector};
use regcarve_test_programs::ESCAPES;

struct Program;

impl Selector for Program {
    fn parse(_: &str, _: &str) -> Selection {
        let references = [
            "../../etc/passwd",
            "",
            "/",
            ESCAPES,
            "team/app@sha256:../..",
            "team/app:v1\nteam/app:v2",
        ];
        let request = |reference: &&str| Request {
            line: u32::MAX,
            reference: (*reference).into(),
        };
        Selection {
            requests: references.iter().map(request).collect(),
            problems: Vec::new(),
        }
    }
}

regcarve_policy_kit::selector!(Program);
