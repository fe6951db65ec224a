//! Attacks: referrers count as bytes that the host has read, so there cannot be endlessly many.

use std::sync::atomic::{AtomicU64, Ordering};

use regcarve_layout_kit::raw::{Image, ImageRequest, Referrer, Resolution};
use regcarve_test_programs::truth;

/// How many there are by now.
static COUNT: AtomicU64 = AtomicU64::new(0);
/// How many an answer holds.
const ANSWER: usize = 20_000;

fn resolve(image: Image, _: &ImageRequest) -> Resolution {
    Resolution::Found(image)
}

fn referrers(subjects: &[String]) -> Vec<Referrer> {
    let mut image = truth(&ImageRequest {
        tag: None,
        digest: None,
    });
    image.entries.truncate(1);
    image.entries[0].entry.children.clear();
    let referrer = |subject: &String| {
        let mut image = image.clone();
        image.digest = format!("sha256:{:064x}", COUNT.fetch_add(1, Ordering::Relaxed));
        image.entries[0].entry.digest = image.digest.clone();
        Referrer {
            subject: subject.clone(),
            resolution: Resolution::Found(image),
        }
    };
    subjects.iter().cycle().take(ANSWER).map(referrer).collect()
}

regcarve_test_programs::reader!(resolve, referrers);
