//! Names and tags at the edge of the grammar, tags that moved, images without a tag.

use super::{decoy, selected};
use crate::corpus::Image;
use crate::shapes::{self, Flavour};

/// Tag length that the grammar still allows.
const LONGEST_TAG: usize = 128;

pub(super) fn images() -> Vec<Image> {
    let oci = |name| shapes::image(Flavour::Oci, name);
    let longest = format!("odd/tags:{}", "t".repeat(LONGEST_TAG));
    let multi = shapes::multi(Flavour::Oci, "multi by digest", &["linux/amd64"]);
    vec![
        selected("a/b/c/d:v1", "deep name", oci("deep")),
        decoy(
            "a/b:v1",
            "parent of a wanted repository",
            oci("deep parent"),
        ),
        decoy(
            "a/b/c/d/e:v1",
            "below a wanted repository",
            oci("deep below"),
        ),
        selected(
            "x0.y/a_b__c-d--e/1:v1",
            "every separator in a name",
            oci("separators"),
        ),
        selected(
            "odd/tags:_Upper.lower-09__..--",
            "every letter in a tag",
            oci("letters"),
        ),
        selected(&longest, "longest tag", oci("longest")),
        decoy("moved/tag:latest", "what the tag was before", oci("before")).superseded(),
        selected("moved/tag:latest", "tag that was moved", oci("now")),
        selected("bydigest/app:-", "known by digest only", oci("by digest")).by_digest(),
        selected("bydigest/multi:-", "index known by digest only", multi).by_digest(),
        selected(
            "pinned/app:v1",
            "asked for by tag and digest",
            oci("pinned"),
        )
        .pinned(),
    ]
}
