//! The cost of a process before it does anything: a CI stage pays it each time.

use std::process::Command;

use anyhow::{Context, Result};

use super::Bench;
use crate::race::race;
use crate::section::Section;
use crate::tools::{attempt, attempt_plain};

const NOTHING: &str = "true (starting a process)";
const HELP: &str = "regcarve --help";
const ONE: &str = "one image, --durability none";
const ONE_FULL: &str = "one image, --durability full";
const LABELS: &str = "one image, --durability none, policy labels";
const WHERE: &str = "one image, --durability none, policy where";

/// These runs are so short that many cost nothing.
const MORE_ROUNDS: usize = 5;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Section> {
    let storage = bench.first_storage()?;
    let list = std::fs::read_to_string(&storage.list)?;
    let image = list.lines().next().context("the list of images is empty")?;
    let one = |name, durability, policy: &[&str]| {
        let mut arguments = vec!["--durability", durability, "--image", image];
        arguments.extend(policy);
        bench.carve(name, &storage, 1, &arguments, false)
    };
    let mut all = vec![
        bench.contestant(NOTHING, || attempt_plain(&mut Command::new("true"))),
        bench.contestant(HELP, || attempt(&mut bench.tools.regcarve(["--help"]))),
        one(ONE, "none", &[]),
        one(ONE_FULL, "full", &[]),
        // Both read the config, and keep the image.
        one(LABELS, "none", &["--policy", "labels=!not-there"]),
        one(
            WHERE,
            "none",
            &["--policy", r#"where=image.labels.nothing == """#],
        ),
    ];
    for contestant in &mut all {
        contestant.rounds *= MORE_ROUNDS;
    }
    let title = "Start-up, whole process".to_owned();
    let mut section = Section::new("startup", title, &bench.place.name, None, race(all)?);
    let milliseconds = |name| section.seconds(name).map(|seconds| seconds * 1e3);
    let (one, help) = (milliseconds(ONE), milliseconds(HELP));
    let added = |name| milliseconds(name).zip(one).map(|(with, one)| with - one);
    let (labels, expression) = (added(LABELS), added(WHERE));
    section.at_most("one image", one, 12.0, "ms");
    section.at_most("--help", help, 4.0, "ms");
    section.at_most("a shipped policy adds", labels, 2.0, "ms");
    section.at_most("the policy `where` adds", expression, 2.0, "ms");
    Ok(section)
}
