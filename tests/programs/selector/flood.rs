//! Attacks: what a person is told stays readable.

use regcarve_policy_kit::selector::{Problem, Selection, Selector};

struct Program;

impl Selector for Program {
    fn parse(_: &str, _: &str) -> Selection {
        let problem = |line| Problem {
            line,
            message: "nobody understands this line".into(),
        };
        let mut problems: Vec<_> = (1..300_000).map(problem).collect();
        problems.push(Problem {
            line: 0,
            message: "long ".repeat(4 << 20),
        });
        Selection {
            requests: Vec::new(),
            problems,
        }
    }
}

regcarve_policy_kit::selector!(Program);
