//! Attacks: a chain of referrers ends, though every image here has a new referrer.

use std::sync::atomic::{AtomicU64, Ordering};

use regcarve_layout_kit::raw::{Image, ImageRequest, Referrer, Resolution};
use regcarve_test_programs::truth;

/// How many there are by now.
static COUNT: AtomicU64 = AtomicU64::new(0);

fn resolve(image: Image, _: &ImageRequest) -> Resolution {
    Resolution::Found(image)
}

fn referrers(subjects: &[String]) -> Vec<Referrer> {
    let referrer = |subject: &String| {
        let mut image = truth(&ImageRequest {
            tag: None,
            digest: None,
        });
        image.digest = format!("sha256:{:064x}", COUNT.fetch_add(1, Ordering::Relaxed));
        image.entries[0].entry.digest = image.digest.clone();
        Referrer {
            subject: subject.clone(),
            resolution: Resolution::Found(image),
        }
    };
    subjects.iter().map(referrer).collect()
}

regcarve_test_programs::reader!(resolve, referrers);
