//! A release that has not changed, carved again over itself: the same command with `--replace`, twice.

use std::cell::RefCell;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::Bench;
use crate::race::race;
use crate::section::Section;

const FIRST: &str = "the first time";
const AGAIN: &str = "again";
const FIRST_FULL: &str = "the first time, --durability full";
const AGAIN_FULL: &str = "again, --durability full";

pub(super) fn measure(bench: &Bench<'_>) -> Result<Section> {
    let storage = bench.first_storage()?;
    let list = storage.list.to_string_lossy().into_owned();
    // The output that was made last, of each durability: what `again` is carved over.
    let last = [const { RefCell::new(PathBuf::new()) }; 2];
    let arguments = |durability: &str| {
        ["--replace", "--durability", durability, "--list", &list]
            .map(str::to_owned)
            .to_vec()
    };
    let mut all = Vec::new();
    for (index, (durability, name, again)) in
        [("none", FIRST, AGAIN), ("full", FIRST_FULL, AGAIN_FULL)]
            .into_iter()
            .enumerate()
    {
        let (last, storage, first) = (&last[index], &storage, arguments(durability));
        let replace = first.clone();
        all.push(bench.contestant(name, move || {
            let out = bench.place.fresh(storage.selected)?;
            bench.before(false)?;
            let attempt = bench.run_carve(storage, &first, &out)?;
            last.replace(out);
            Ok(attempt)
        }));
        all.push(bench.contestant(again, move || {
            let out = last.borrow();
            out.parent().context("nothing was carved before")?;
            bench.before(false)?;
            bench.run_carve(storage, &replace, &out)
        }));
    }
    let title = "An unchanged release, carved again".to_owned();
    let outcome = race(all)?;
    let mut section = Section::new("repeat", title, &bench.place.name, Some(FIRST), outcome);
    let ratio = section.ratio(AGAIN);
    section.at_most(
        "an unchanged release again, as ratio to the first time",
        ratio,
        0.2,
        "",
    );
    Ok(section)
}
