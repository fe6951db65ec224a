//! A friend: a selector for files with lines `image: name:tag`, as in a compose file.

use regcarve_policy_kit::selector::{Request, Selection, Selector};

struct Program;

impl Selector for Program {
    fn parse(_: &str, text: &str) -> Selection {
        let requests = (1..).zip(text.lines()).filter_map(|(line, content)| {
            let reference = content
                .trim()
                .strip_prefix("image:")?
                .trim()
                .trim_matches(['"', '\'']);
            Some(Request {
                line,
                reference: reference.into(),
            })
        });
        Selection {
            requests: requests.collect(),
            problems: Vec::new(),
        }
    }
}

regcarve_policy_kit::selector!(Program);
