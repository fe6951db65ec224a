//! Attacks: so many images speak of one another that nobody can keep them all.

use std::sync::atomic::{AtomicU64, Ordering};

use regcarve_policy_kit::layout::{Attachment, Image, Resolution, Wanted};
use regcarve_test_programs::truth;

/// How many there are by now.
static COUNT: AtomicU64 = AtomicU64::new(0);
/// How many an answer holds.
const ANSWER: usize = 20_000;

fn resolve(image: Image, _: &Wanted) -> Resolution {
    Resolution::Found(image)
}

fn attached(manifests: &[String]) -> Vec<Attachment> {
    let mut image = truth(&Wanted {
        tag: None,
        digest: None,
    });
    image.contents.truncate(1);
    image.contents[0].content.children.clear();
    let attachment = |subject: &String| {
        let mut image = image.clone();
        image.digest = format!("sha256:{:064x}", COUNT.fetch_add(1, Ordering::Relaxed));
        image.contents[0].content.digest = image.digest.clone();
        Attachment {
            subject: subject.clone(),
            resolution: Resolution::Found(image),
        }
    };
    manifests
        .iter()
        .cycle()
        .take(ANSWER)
        .map(attachment)
        .collect()
}

regcarve_test_programs::reader!(resolve, attached);
