//! A policy that reads the config of every image.

use anyhow::Result;

use super::{Bench, thousands};
use crate::race::{Outcome, race};
use crate::section::Section;

const WITHOUT: &str = "no policy";
const WITH: &str = "a policy that reads every config";

/// The size that the goal speaks of.
const IMAGES: usize = 20_000;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Section> {
    let sizes = &bench.options.images;
    let fitting = sizes.iter().copied().filter(|size| *size <= IMAGES).max();
    let images = fitting.or(sizes.first().copied()).unwrap_or_default();
    let title = format!("All {} images with a policy", thousands(images));
    let Some(storage) = bench.storage(images)? else {
        let none = Outcome {
            lanes: Vec::new(),
            skipped: vec!["skipped: no room here".into()],
        };
        return Ok(Section::new("policy", title, &bench.place.name, None, none));
    };
    let plain = ["--durability", "none", "--all"];
    let policy = [
        "--durability",
        "none",
        "--all",
        "--policy",
        &bench.options.labels_policy,
    ];
    let mut all = vec![
        bench.carve(WITHOUT, &storage, images, &plain, false),
        bench.carve(WITH, &storage, images, &policy, false),
    ];
    for contestant in &mut all {
        contestant.rounds = bench.options.slow_rounds;
    }
    let outcome = race(all)?;
    let mut section = Section::new("policy", title, &bench.place.name, Some(WITHOUT), outcome);
    section
        .notes
        .push(format!("the policy is {}", bench.options.labels_policy));
    let added = section
        .seconds(WITH)
        .zip(section.seconds(WITHOUT))
        .map(|(with, without)| with - without);
    let goal = format!(
        "a policy reading every config of {} images adds",
        thousands(images)
    );
    // In proportion where the size is another one.
    section.at_most(&goal, added, 2.0 * images as f64 / IMAGES as f64, "s");
    Ok(section)
}
