//! Hashing a whole storage: as fast as the machine hashes.

use std::process::Command;

use anyhow::{Context, Result};

use super::Bench;
use crate::race::race;
use crate::section::Section;
use crate::tools::{attempt, attempt_plain, registry};

const OURS: &str = "regcarve verify";
const PLAIN: &str = "sha256sum on as many processes";

/// Bytes of each layer; images have three layers of their own.
const LAYER: usize = 16 << 20;
const OWN_LAYERS: usize = 3;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Section> {
    let images = (bench.options.verify_mib << 20)
        .div_ceil(OWN_LAYERS * LAYER)
        .max(1);
    let size = LAYER.to_string();
    let arguments = ["--min-layer", &size, "--max-layer", &size].map(str::to_owned);
    let room = bench.options.verify_mib * 16;
    let storage = bench
        .make(&format!("large-{images}"), images, room, &arguments)?
        .context("no room for large layers")?;
    let target = registry(&storage.root)?;
    let processes = std::thread::available_parallelism()?.get();
    let script = format!(
        "find \"$0\" -type f -name data -print0 | xargs -0 -P{processes} -n4 sha256sum >\"$0.sums\""
    );
    let all = vec![
        bench.contestant(OURS, || {
            attempt(&mut bench.tools.regcarve(["verify", target.as_str()]))
        }),
        bench.contestant(PLAIN, || {
            attempt_plain(Command::new("sh").args(["-c", &script]).arg(&storage.root))
        }),
    ];
    let title = format!(
        "Hashing layers of {} MiB, {} images, warm",
        LAYER >> 20,
        images
    );
    let outcome = race(all)?;
    let mut section = Section::new("verify", title, &bench.place.name, Some(PLAIN), outcome);
    let ratio = section.ratio(OURS);
    section.at_most("verify, as ratio to sha256sum", ratio, 1.05, "");
    Ok(section)
}
