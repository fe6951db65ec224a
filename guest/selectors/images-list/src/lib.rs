//! The shipped selector: lists with one image reference, or one pattern, a line.
//!
//! | a line that                | is                                                             |
//! |----------------------------|----------------------------------------------------------------|
//! | is blank                   | skipped                                                        |
//! | begins with `#`            | a comment                                                      |
//! | begins with `/`            | skipped: lists of the old shell script switch lines off so     |
//! | has ` #` behind its text   | the text before it                                             |
//! | holds one word             | a request, checked by the host                                 |
//! | holds several words        | a problem                                                      |
//!
//! White space around a line and a carriage return at its end do not matter.

use regcarve_policy_kit::selector::{Problem, Request, Selection, Selector};

/// See the header of this crate.
pub struct ImagesList;

impl Selector for ImagesList {
    fn parse(_name: &str, text: &str) -> Selection {
        let mut selection = Selection {
            requests: Vec::new(),
            problems: Vec::new(),
        };
        for (line, content) in (1..).zip(text.lines()) {
            match read(content) {
                Line::Nothing => {}
                Line::Reference(reference) => {
                    selection.requests.push(Request { line, reference: reference.into() });
                }
                Line::Words(first, second) => selection.problems.push(Problem {
                    line,
                    message: format!(
                        "`{first}` is followed by `{second}`; write one reference a line, and `#` before a comment"
                    ),
                }),
            }
        }
        selection
    }
}

/// The meaning of a line.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Nothing,
    Reference(&'a str),
    Words(&'a str, &'a str),
}

fn read(line: &str) -> Line<'_> {
    if line.trim_start().starts_with('/') {
        return Line::Nothing;
    }
    let mut words = line
        .split_whitespace()
        .take_while(|word| !word.starts_with('#'));
    match (words.next(), words.next()) {
        (None, _) => Line::Nothing,
        (Some(reference), None) => Line::Reference(reference),
        (Some(first), Some(second)) => Line::Words(first, second),
    }
}

regcarve_policy_kit::selector!(ImagesList);

#[cfg(test)]
mod tests {
    use super::{Line, read};

    #[test]
    fn lines() {
        let table = [
            ("", Line::Nothing),
            ("  \t", Line::Nothing),
            ("\r", Line::Nothing),
            ("# library/app:1", Line::Nothing),
            ("  # library/app:1", Line::Nothing),
            ("/library/app:1", Line::Nothing),
            ("library/app:1", Line::Reference("library/app:1")),
            (" library/app:1 \r", Line::Reference("library/app:1")),
            (
                "library/app:1 # the stable one",
                Line::Reference("library/app:1"),
            ),
            ("  /library/app:1", Line::Nothing),
            ("library/app:1\t#stable", Line::Reference("library/app:1")),
            // Without a space it is not a comment: the host refuses the `#` in the tag.
            (
                "library/app:1#stable",
                Line::Reference("library/app:1#stable"),
            ),
            (
                "library/app:1 library/app:2",
                Line::Words("library/app:1", "library/app:2"),
            ),
        ];
        for (line, expected) in table {
            assert_eq!(read(line), expected, "{line:?}");
        }
    }
}
