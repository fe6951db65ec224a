//! `regcarve policy bench`: the time that a policy takes, measured on sample images.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use regcarve_formats::sample::{layer, manifest};
use regcarve_types::Reference;
use serde_json::{Map, json};

use super::{engine, load, sample};
use crate::cli::policy::Bench;
use crate::commands::print;
use crate::inputs;
use crate::pipeline::session::restrict_all;
use crate::release::blob_table::BlobTable;
use crate::release::image::Image;
use crate::report::milliseconds;
use crate::wasm::roles::policy::Policy;

/// Images of one call; a repository with as many tags is a large one.
const BATCH: usize = 1000;

pub(super) fn bench(args: &Bench) -> Result<()> {
    let clock = Instant::now();
    let engine = engine(&args.components)?;
    let start = clock.elapsed();
    let clock = Instant::now();
    let component = load(&engine, &args.policy, &args.components)?;
    let loaded = clock.elapsed();
    let settings = inputs::settings(&args.policy)?;
    let (images, blobs) = images()?;
    let blobs = Arc::new(blobs);
    restrict_all(args.components.sandbox)?;
    let clock = Instant::now();
    let mut policy = Policy::start_without_source(&component)?;
    policy.configure(&settings)?;
    let ready = clock.elapsed();

    let repository = &images[0].repository;
    let clock = Instant::now();
    policy.decide(&blobs, repository, &images[..1])?;
    let first = clock.elapsed();
    let rounds = args.images.div_ceil(BATCH).max(1);
    let clock = Instant::now();
    for _ in 0..rounds {
        policy.decide(&blobs, repository, &images)?;
    }
    let all = clock.elapsed().as_secs_f64();
    let count = rounds * BATCH;
    print(&format!(
        "engine        {:>10.3} ms\nload          {:>10.3} ms\nsettings      {:>10.3} ms\nfirst image   {:>10.3} ms\nper image     {:>10.0} ns\nper second    {:>10.0} images",
        milliseconds(start),
        milliseconds(loaded),
        milliseconds(ready),
        milliseconds(first),
        all * 1e9 / count as f64,
        count as f64 / all,
    ))?;
    Ok(())
}

/// The images of one repository, each with a manifest of its own and all with one config.
fn images() -> Result<(Vec<Arc<Image>>, BlobTable)> {
    let config = json!({ "os": "linux", "architecture": "amd64" });
    let mut blobs = BlobTable::default();
    let mut images = Vec::with_capacity(BATCH);
    for number in 0..BATCH {
        let reference = Reference::parse(&format!("bench/app:1.{number}.0"))?;
        let created = format!("2026-01-01T00:00:00.{number:03}Z");
        let created = ("org.opencontainers.image.created".into(), created.into());
        let closure =
            manifest(&config, Map::from_iter([created]), [layer("layer", 1000)]).closure();
        images.push(Arc::new(sample::image(&reference, closure, &mut blobs)));
    }
    Ok((images, blobs))
}
