//! `regcarve policy bench`: what a policy costs, with images that are made up.

use std::sync::Arc;
use std::time::Instant;

use regcarve_types::Reference;

use super::{engine, load, sample};
use crate::cli::Bench;
use crate::commands::{print, session};
use crate::error::Error;
use crate::release::blob_table::BlobTable;
use crate::release::image::Image;
use crate::report::milliseconds;
use crate::wasm::roles::policy::Policy;

/// Images of one call; a repository with as many tags is a large one.
const BATCH: usize = 1000;

pub(super) fn bench(args: &Bench) -> Result<(), Error> {
    let clock = Instant::now();
    let engine = engine(&args.components)?;
    let start = clock.elapsed();
    let clock = Instant::now();
    let component = load(&engine, &args.policy, &args.components)?;
    let loaded = clock.elapsed();
    let settings = session::settings(&args.policy)?;
    let (images, blobs) = images()?;
    let blobs = Arc::new(blobs);
    session::fence(args.components.sandbox)?;
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
    ))
}

/// The images of one repository, each with a manifest of its own and all with one config.
fn images() -> Result<(Vec<Arc<Image>>, BlobTable), Error> {
    let mut contents = BlobTable::default();
    let mut images = Vec::with_capacity(BATCH);
    for number in 0..BATCH {
        let reference = Reference::parse(&format!("bench/app:1.{number}.0"))
            .map_err(|error| Error::Internal(error.to_string()))?;
        let created = format!("2026-01-01T00:00:00.{number:03}Z");
        let annotations = [(
            "org.opencontainers.image.created".to_owned(),
            created.into(),
        )];
        let closure = sample::manifest(None, annotations.into_iter().collect(), &[1000]);
        images.push(Arc::new(sample::image(&reference, closure, &mut contents)));
    }
    Ok((images, contents))
}
