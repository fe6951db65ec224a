//! The three storage formats: every image keeps its digest from each of them to each, and skopeo reads all of them.
//!
//! | module | promise |
//! |---|---|
//! | `corpus` | the whole corpus through every format and back; skopeo reads ours, ours reads skopeo's |
//! | `disk` | three outputs of one run take no disk space for layers |
//! | `referrers` | signatures, SBOMs and other referrers travel with their subject, in every format |
//! | `drawings` | each format as text |
//! | `refused` | sources of another format, outputs in the source, ambiguous names |
//! | `unreadable_referrers` | a manifest that may be a referrer, but cannot be read, is never skipped silently |

mod corpus;
mod disk;
mod drawings;
mod referrers;
mod refused;
mod unreadable_referrers;

use regcarve_test_support::binary::Outcome;

/// All formats, as a command line names them.
const FORMATS: [&str; 3] = ["registry", "dir", "oci"];

/// Name and digest of every image in a report, sorted.
fn images(outcome: &Outcome) -> Vec<(String, String)> {
    let names = outcome.listed("images", "reference");
    let mut images: Vec<_> = names
        .into_iter()
        .zip(outcome.listed("images", "digest"))
        .collect();
    images.sort();
    images
}
