//! A release out of a storage: regcarve next to every other way of getting the same tree.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Bench, Storage, thousands};
use crate::place::{self, Where};
use crate::race::{Contestant, race};
use crate::section::Section;
use crate::skopeo;
use crate::tools::{attempt_plain, attempt_replay};

/// Rows that goals and the plot speak of.
pub(crate) const SERIAL: &str = "serial replay of the system calls";
const SERIAL_PROCESS: &str = "… as a whole process";
pub(crate) const PARALLEL: &str = "two-thread replay";
const LANDLOCKED: &str = "… in a Landlock sandbox like that of regcarve";
pub(crate) const REGCARVE: &str = "regcarve --durability none";
pub(crate) const REGCARVE_FULL: &str = "regcarve --durability full";
pub(crate) const COPY: &str = "cp -al of the finished tree";
pub(crate) const SHELL: &str = "the shell way";
pub(crate) const SKOPEO: &str = "skopeo, two local registries";

/// Everything in memory that fits there.
pub(super) fn warm(bench: &Bench<'_>) -> Result<Section> {
    let storage = bench.first_storage()?;
    let tree = bench.reference_tree(&storage)?;
    bench.check_tree(&storage, &tree)?;

    let mut all = ours(bench, &storage, false);
    all.extend(replays(bench, &storage, &tree, false));
    all.extend(others(bench, &storage, &tree, false));
    let mut notes = Vec::new();
    if bench.options.skopeo {
        match skopeo::missing_program() {
            Some(program) => notes.push(format!("skipped: {SKOPEO}: {program} is not installed")),
            None => all.push(skopeo::contestant(bench, &storage)),
        }
    }
    let title = title(&storage, "");
    let outcome = race(all)?;
    let mut section = Section::new("release", title, &bench.place.name, Some(SERIAL), outcome);
    section.notes.append(&mut notes);
    let bound = if bench.on_disk() { 0.8 } else { 0.6 };
    let ratio = section.ratio(REGCARVE);
    section.at_most("a release, as ratio to the serial replay", ratio, bound, "");
    if !bench.on_disk() {
        let times = section.times(SHELL, REGCARVE);
        section.at_least(
            "a release, times faster than the shell way",
            times,
            200.0,
            "",
        );
    }
    Ok(section)
}

/// After the kernel forgot everything; the program itself comes from the disk too.
pub(super) fn cold(bench: &Bench<'_>) -> Result<Option<Section>> {
    if !bench.options.cold || bench.place.kind != Where::Disk {
        return Ok(None);
    }
    let storage = bench.first_storage()?;
    let tree = bench.reference_tree(&storage)?;
    let title = title(&storage, ", cold caches");
    if let Err(error) = place::drop_caches() {
        let mut section = Section::new("cold", title, &bench.place.name, None, empty());
        section.notes.push(format!("skipped: {error:#}"));
        return Ok(Some(section));
    }
    let mut all = ours(bench, &storage, true);
    all.extend(replays(bench, &storage, &tree, true));
    all.extend(others(bench, &storage, &tree, true));
    let outcome = race(all)?;
    let mut section = Section::new("cold", title, &bench.place.name, Some(SERIAL), outcome);
    let note = "the programs come from the disk too, but for the replays, which start before the caches go";
    section.notes.push(note.to_owned());
    Ok(Some(section))
}

/// As many images out of larger storages: what has to be searched must not matter.
pub(super) fn larger(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    for &images in bench.options.images.iter().skip(1) {
        let Some(storage) = bench.storage(images)? else {
            let title = format!("A release out of {} images", thousands(images));
            let mut section = Section::new("larger", title, &bench.place.name, None, empty());
            section
                .notes
                .push("skipped: no room for this storage here".to_owned());
            sections.push(section);
            continue;
        };
        let tree = bench.reference_tree(&storage)?;
        let mut all = ours(bench, &storage, false);
        all.truncate(1);
        all.extend(replays(bench, &storage, &tree, false));
        let title = title(&storage, "");
        let outcome = race(all)?;
        sections.push(Section::new(
            "larger",
            title,
            &bench.place.name,
            Some(SERIAL),
            outcome,
        ));
    }
    Ok(sections)
}

fn title(storage: &Storage, more: &str) -> String {
    let (selected, images) = (thousands(storage.selected), thousands(storage.images));
    format!("{selected} of {images} images{more}")
}

fn empty() -> crate::race::Outcome {
    crate::race::Outcome {
        lanes: Vec::new(),
        skipped: Vec::new(),
    }
}

fn ours<'b>(bench: &'b Bench<'_>, storage: &'b Storage, cold: bool) -> Vec<Contestant<'b>> {
    let list = storage.list.to_string_lossy();
    let carve = |name, durability| {
        let arguments = ["--durability", durability, "--list", list.as_ref()];
        bench.carve(name, storage, storage.selected, &arguments, cold)
    };
    vec![carve(REGCARVE, "none"), carve(REGCARVE_FULL, "full")]
}

fn replays<'b>(
    bench: &'b Bench<'_>,
    storage: &'b Storage,
    tree: &'b Path,
    cold: bool,
) -> Vec<Contestant<'b>> {
    let replay = |name, threads, landlock: bool| {
        bench.contestant(name, move || {
            let out = bench.place.fresh(storage.selected)?;
            bench.place.settle()?;
            let mut command = bench.tools.replay(threads, &storage.root, tree, &out);
            command.args(landlock.then_some("--landlock"));
            // The caches go when it has read what to do, right before its clock starts.
            command.args(cold.then_some("--drop-caches"));
            attempt_replay(&mut command)
        })
    };
    let mut serial = replay(SERIAL, 1, false);
    // Dropping the caches would count in it.
    serial.also = (!cold).then(|| SERIAL_PROCESS.to_owned());
    vec![
        serial,
        replay(PARALLEL, 2, false),
        replay(LANDLOCKED, 2, true),
    ]
}

fn others<'b>(
    bench: &'b Bench<'_>,
    storage: &'b Storage,
    tree: &'b Path,
    cold: bool,
) -> Vec<Contestant<'b>> {
    let copy = bench.contestant(COPY, move || {
        let out = bench.place.fresh(storage.selected)?;
        bench.before(cold)?;
        attempt_plain(Command::new("cp").arg("-al").args([tree, &out]))
    });
    let mut shell = bench.contestant(SHELL, move || {
        let out = bench.place.fresh(storage.selected)?;
        bench.before(cold)?;
        attempt_plain(&mut bench.tools.carve_sh(&storage.list, &storage.root, &out))
    });
    shell.rounds = bench.options.slow_rounds;
    shell.warm_up = false;
    vec![copy, shell]
}
