//! The documents keep their promises: they are short, their links lead somewhere, their commands have names that CI knows,
//! and every flag in them is one that the program has.

#![allow(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::docs::{named_block, repository, text};
use regcarve_test_support::fixture::program;

/// Characters in a line.
const LINE: usize = 120;
/// Lines of the README.
const README: usize = 150;
/// Lines of a paragraph of the README.
const PARAGRAPH: usize = 3;

/// Blocks that CI or a test types, by document.
const BLOCKS: [(&str, &str); 3] = [
    ("README.md", "quickstart"),
    ("README.md", "tests"),
    ("guest/README.md", "own-policy"),
];

/// Flags of other programs that the documents mention.
const OTHERS: [&str; 2] = ["--delete-untagged", "--map-root-user"];

/// The documents for people, by their paths.
fn documents() -> Vec<String> {
    let mut all: Vec<String> = [
        "README.md",
        "SECURITY.md",
        "guest/README.md",
        "tests/README.md",
    ]
    .map(str::to_owned)
    .into();
    let folder = repository("host/docs");
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            all.push(format!("host/docs/{name}"));
        }
    }
    all.sort();
    all
}

/// The lines of a text with their numbers, and whether each stands in a block of code.
fn lines(text: &str) -> Vec<(usize, &str, bool)> {
    let mut inside = false;
    let numbered = text.lines().enumerate().map(|(number, line)| {
        let fence = line.starts_with("```");
        let code = inside || fence;
        inside ^= fence;
        (number + 1, line, code)
    });
    numbered.collect()
}

#[track_caller]
fn assert_empty(problems: &[String]) {
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Rows of tables may be longer outside of the README: a reference has wide ones.
#[test]
fn lines_are_short() {
    let mut problems = Vec::new();
    for document in documents() {
        for (number, line, _) in lines(&text(&document)) {
            let row = line.starts_with('|') && document != "README.md";
            let length = line.chars().count();
            if length > LINE && !row {
                problems.push(format!("{document}:{number}: {length} characters"));
            }
        }
    }
    assert_empty(&problems);
}

#[test]
fn the_readme_is_read_in_two_minutes() {
    let text = text("README.md");
    let mut problems = Vec::new();
    let count = text.lines().count();
    if count > README {
        problems.push(format!("README.md has {count} lines, {README} are allowed"));
    }
    let mut paragraph = 0;
    for (number, line, code) in lines(&text) {
        let prose = !code && !line.trim().is_empty() && !line.starts_with(['|', '#', '<']);
        let begins =
            line.starts_with(['-', '*']) || line.starts_with(|first: char| first.is_ascii_digit());
        paragraph = match (prose, begins) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => paragraph + 1,
        };
        if paragraph > PARAGRAPH {
            problems.push(format!(
                "README.md:{number}: line {paragraph} of a paragraph"
            ));
        }
    }
    assert_empty(&problems);
}

/// Relative targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

/// The anchor that a heading has on GitHub and GitLab.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim_start_matches('#')
        .trim()
        .chars()
        .filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    kept.flat_map(char::to_lowercase)
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut problems = Vec::new();
    for document in documents() {
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line, code) in lines(&text(&document)) {
            for target in links(line).filter(|_| !code) {
                let (file, heading) = target.split_once('#').unwrap_or((target, ""));
                let path = match file {
                    "" => document.clone(),
                    file => format!("{folder}/{file}")
                        .trim_start_matches('/')
                        .to_owned(),
                };
                let there = repository(&path).exists();
                let found = heading.is_empty()
                    || there
                        && lines(&text(&path)).iter().any(|(_, line, code)| {
                            !code && line.starts_with('#') && anchor(line) == heading
                        });
                if !there || !found {
                    problems.push(format!("{document}:{number}: {target} leads nowhere"));
                }
            }
        }
    }
    assert_empty(&problems);
}

#[test]
fn blocks_that_are_typed_have_their_names() {
    for (document, name) in BLOCKS {
        let block = named_block(&text(document), name);
        assert!(
            block.is_some_and(|block| !block.is_empty()),
            "{document} has no block `{name}`"
        );
    }
    // A block with a name is typed.
    for document in documents() {
        for (number, line, code) in lines(&text(&document)) {
            let Some(name) = line.strip_prefix("<!-- ci:").filter(|_| !code) else {
                continue;
            };
            let name = name.trim_end_matches(" -->");
            assert!(
                BLOCKS.contains(&(document.as_str(), name)),
                "{document}:{number}: nothing types the block `{name}`"
            );
        }
    }
    let ci = text(".ci/run");
    for name in ["quickstart", "tests"] {
        assert!(
            ci.contains(&format!("document {name} ")),
            ".ci/run does not type `{name}`"
        );
    }
}

/// All flags of the program.
fn flags() -> BTreeSet<String> {
    let mut known: BTreeSet<String> = OTHERS.map(str::to_owned).into();
    let commands = [
        ("run", ""),
        ("plan", ""),
        ("list", ""),
        ("verify", ""),
        ("policy", "list"),
        ("policy", "check"),
        ("policy", "inspect"),
        ("policy", "test"),
        ("policy", "bench"),
        ("policy", "new"),
    ];
    for (command, of_policies) in commands {
        let more = Some(of_policies).filter(|more| !more.is_empty());
        let outcome = program(command).args(more).arg("--help").outcome();
        outcome.assert_code(0);
        known.extend(words(&outcome.stdout));
    }
    known
}

/// Every `--flag` of a text.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
}

/// The flags that a document says the program has: `--flag` in text, and on the command lines of the program.
fn mentioned(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut ours = false;
    for (number, line, code) in lines(text) {
        if code {
            let continued = ours && line.starts_with(' ');
            ours = line.trim_start().starts_with("regcarve ") || continued;
            let command = line.split(" #").next().unwrap_or_default();
            found.extend(words(command).filter(|_| ours).map(|word| (number, word)));
        } else {
            ours = false;
            let spans = line.split('`').skip(1).step_by(2);
            for span in spans.filter(|span| span.starts_with("--")) {
                found.extend(words(span).take(1).map(|word| (number, word)));
            }
        }
    }
    found
}

#[test]
fn every_flag_in_the_documents_is_one_of_the_program() {
    let known = flags();
    assert!(known.len() > 30, "{known:?}");
    let mut problems = Vec::new();
    // The commands of the tests are those of cargo.
    for document in documents().iter().filter(|one| *one != "tests/README.md") {
        for (number, flag) in mentioned(&text(document)) {
            if !known.contains(&flag) {
                problems.push(format!("{document}:{number}: the program has no {flag}"));
            }
        }
    }
    assert_empty(&problems);
}
