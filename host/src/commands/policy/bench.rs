//! `regcarve policy bench`: what a policy costs, with images that nobody reads.

use std::sync::Arc;
use std::time::Instant;

use regcarve_names::{Digest, Repository, Tag};

use super::{engine, load};
use crate::cli::Bench;
use crate::commands::{print, session};
use crate::error::Error;
use crate::pipeline::image::{ContentId, Image, Item, Kind};
use crate::pipeline::request::Origin;
use crate::report::milliseconds;
use crate::wasm::policy::Policy;

/// Images of one call; a repository with as many tags is a large one.
const BATCH: usize = 1000;

pub(super) fn bench(args: &Bench) -> Result<(), Error> {
    let clock = Instant::now();
    let engine = engine(&args.limits)?;
    let start = clock.elapsed();
    let clock = Instant::now();
    let component = load(&engine, &args.policy, &args.limits)?;
    let loaded = clock.elapsed();
    let settings = session::settings(&args.policy)?;
    session::fence(args.limits.sandbox)?;
    let clock = Instant::now();
    let mut policy = Policy::start_alone(&component)?;
    policy.configure(&settings)?;
    let ready = clock.elapsed();

    let repository = Arc::new(
        Repository::parse("bench/app").map_err(|error| Error::Internal(error.to_string()))?,
    );
    let images = (0..BATCH)
        .map(|number| image(&repository, number))
        .collect::<Result<Vec<_>, _>>()?;
    let clock = Instant::now();
    policy.decide(&repository, &images[..1])?;
    let first = clock.elapsed();
    let rounds = args.images.div_ceil(BATCH).max(1);
    let clock = Instant::now();
    for _ in 0..rounds {
        policy.decide(&repository, &images)?;
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

fn image(repository: &Arc<Repository>, number: usize) -> Result<Arc<Image>, Error> {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&(number as u64).to_be_bytes());
    let tag =
        Tag::parse(&format!("1.{number}.0")).map_err(|error| Error::Internal(error.to_string()))?;
    let top = Item {
        content: ContentId(0),
        kind: Kind::Manifest,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        platform: None,
        describes: None,
        optional: false,
        size: 1000,
        children: [].into(),
    };
    Ok(Arc::new(Image {
        repository: Arc::clone(repository),
        tag: Some(tag),
        digest: Digest::sha256(hash),
        items: vec![top],
        size: 1000,
        origin: Origin::Flag("bench"),
        subject: None,
    }))
}
