//! The usual way: images go over HTTP from one registry to another, here both on this machine.

use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;
use regcarve_test_support::registry::{self, Mode, Registry};
use regcarve_test_support::{skopeo as client, tools};

use crate::child;
use crate::race::{Attempt, Contestant, Taken};
use crate::scenarios::{Bench, SKOPEO, Storage};

/// A program that is needed and not installed.
pub(crate) fn missing_program() -> Option<&'static str> {
    [registry::PROGRAM, client::PROGRAM]
        .into_iter()
        .find(|program| tools::find(program).is_none())
}

/// Copies a sample of the release, image by image; the time is scaled to the whole release.
pub(crate) fn contestant<'b>(bench: &'b Bench<'_>, storage: &'b Storage) -> Contestant<'b> {
    let sample = bench.options.skopeo_sample.min(storage.selected);
    let note = match sample == storage.selected {
        true => String::new(),
        false => format!("{sample} images measured, scaled to {}", storage.selected),
    };
    Contestant {
        name: SKOPEO.to_owned(),
        also: None,
        note,
        rounds: bench.options.slow_rounds,
        warm_up: false,
        run: Box::new(move || {
            let list = crate::storage::references_of(&fs::read_to_string(&storage.list)?);
            let images = crate::storage::select(&list, sample);
            let out = bench.place.fresh(storage.selected)?;
            fs::create_dir(&out)?;
            let from = Registry::start(&storage.root, Mode::ReadOnly);
            let to = Registry::start(&out, Mode::Writable);
            bench.place.settle()?;
            let start = Instant::now();
            let mut peak = 0;
            for image in &images {
                peak = peak.max(copy(image, &from, &to)?);
            }
            let scale = storage.selected as f64 / images.len() as f64;
            let seconds = start.elapsed().as_secs_f64() * scale;
            Ok(Attempt::Done(Taken {
                seconds,
                peak,
                also: None,
            }))
        }),
    }
}

/// Copies one image and returns the client's largest resident memory.
fn copy(image: &str, from: &Registry, to: &Registry) -> Result<u64> {
    let outcome = child::succeed(Command::new(client::PROGRAM).args([
        "copy",
        "--quiet",
        "--insecure-policy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        &format!("docker://{}/{image}", from.address()),
        &format!("docker://{}/{image}", to.address()),
    ]))?;
    Ok(outcome.peak)
}
