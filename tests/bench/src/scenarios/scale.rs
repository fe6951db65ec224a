//! All images of storages of every size: time must grow with the images and not faster, memory slowly.

use anyhow::Result;

use super::{Bench, Storage, thousands};
use crate::race::{Attempt, race};
use crate::section::Section;

/// Memory that a run may take, by the number of images.
const PEAKS: [(usize, f64); 2] = [(20_000, 160.0), (100_000, 400.0)];
/// How much more one image may take in a large storage.
const GROWTH: f64 = 1.15;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Section> {
    let mut storages = Vec::new();
    let mut notes = Vec::new();
    for &images in &bench.options.images {
        match bench.storage(images)? {
            // Room for the output too.
            Some(storage) if bench.place.make_room(images)? => storages.push(storage),
            _ => notes.push(format!(
                "skipped: {} images: no room here",
                thousands(images)
            )),
        }
    }
    let all = storages.iter().map(|storage| {
        let mut contestant = bench.contestant(name(storage), || each(bench, storage));
        contestant.rounds = bench.options.slow_rounds;
        contestant
    });
    let outcome = race(all.collect())?;
    let baseline = storages.first().map(name);
    let mut section = Section::new(
        "scale",
        "All images, time for each image".to_owned(),
        &bench.place.name,
        baseline.as_deref(),
        outcome,
    );
    section.notes.append(&mut notes);
    for storage in storages.iter().skip(1) {
        let goal = format!(
            "{} images, time for each as ratio",
            thousands(storage.images)
        );
        let ratio = section.ratio(&name(storage));
        section.at_most(&goal, ratio, GROWTH, "");
    }
    for (images, bound) in PEAKS {
        let row = storages
            .iter()
            .find(|s| s.images == images)
            .and_then(|s| section.row(&name(s)));
        let peak = row
            .and_then(|row| row.peak_bytes)
            .map(|bytes| bytes as f64 / 1e6);
        section.at_most(
            &format!("{} images, peak memory", thousands(images)),
            peak,
            bound,
            "MB",
        );
    }
    Ok(section)
}

fn name(storage: &Storage) -> String {
    format!("one of {}", thousands(storage.images))
}

/// A run over all images, its time divided by their number.
fn each(bench: &Bench<'_>, storage: &Storage) -> Result<Attempt> {
    let out = bench.place.fresh(storage.images)?;
    bench.before(false)?;
    let arguments = ["--durability", "none", "--all"].map(str::to_owned);
    let mut attempt = bench.run_carve(storage, &arguments, &out)?;
    if let Attempt::Done(taken) = &mut attempt {
        taken.seconds /= storage.images as f64;
    }
    Ok(attempt)
}
