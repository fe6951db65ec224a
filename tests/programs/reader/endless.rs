//! Attacks: whatever is asked about, something speaks of it that nobody has seen yet.

use std::sync::atomic::{AtomicU64, Ordering};

use regcarve_policy_kit::layout::{Attachment, Image, Resolution, Wanted};
use regcarve_test_programs::truth;

/// How many there are by now.
static COUNT: AtomicU64 = AtomicU64::new(0);

fn resolve(image: Image, _: &Wanted) -> Resolution {
    Resolution::Found(image)
}

fn attached(manifests: &[String]) -> Vec<Attachment> {
    let attachment = |subject: &String| {
        let mut image = truth(&Wanted {
            tag: None,
            digest: None,
        });
        image.digest = format!("sha256:{:064x}", COUNT.fetch_add(1, Ordering::Relaxed));
        image.contents[0].content.digest = image.digest.clone();
        Attachment {
            subject: subject.clone(),
            resolution: Resolution::Found(image),
        }
    };
    manifests.iter().map(attachment).collect()
}

regcarve_test_programs::reader!(resolve, attached);
