//! Decisions in one line, as people write and compare them: a word, and behind `: ` the details.
//!
//! ```text
//! keep
//! keep-platforms: linux/amd64, linux/arm64
//! rename: team/app:stable
//! drop: `v1-dirty` is a snapshot
//! missing: it has no signature
//! rewrite: sha256:…, 2 new manifests, 5 kept contents
//! ```

use regcarve_types::Algorithm;

use crate::hash;
use crate::release::decision::Decision;
use crate::text;

const WORDS: [&str; 6] = [
    "keep",
    "keep-platforms",
    "rename",
    "drop",
    "missing",
    "rewrite",
];

/// A decision as a line.
pub(super) fn of(decision: &Decision) -> String {
    match decision {
        Decision::Keep => "keep".into(),
        Decision::KeepPlatforms(platforms) => {
            let names: Vec<_> = platforms.iter().map(ToString::to_string).collect();
            format!("keep-platforms: {}", names.join(", "))
        }
        Decision::Rename(name) => format!("rename: {name}"),
        Decision::Drop(reason) => format!("drop: {reason}"),
        Decision::Missing(cause) => format!("missing: {cause}"),
        Decision::Rewrite {
            manifests,
            contents,
        } => {
            // The digest of the new top manifest depends on all others.
            let top = manifests
                .last()
                .map(|top| hash::digest(Algorithm::Sha256, &top.bytes).to_string());
            format!(
                "rewrite: {}, {}, {}",
                top.as_deref().unwrap_or("nothing"),
                text::count(manifests.len(), "new manifest"),
                text::count(contents.len(), "kept content"),
            )
        }
    }
}

/// True if a line begins with the word of a decision.
pub(super) fn is_known(line: &str) -> bool {
    WORDS.contains(&word(line))
}

/// True if a decision is the expected one. A word alone leaves the details open.
pub(super) fn fits(expected: &str, found: &str) -> bool {
    expected == found || (!expected.contains(':') && expected == word(found))
}

fn word(line: &str) -> &str {
    line.split_once(':').map_or(line, |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::{fits, is_known, of};
    use crate::release::decision::{Decision, NewManifest};

    #[test]
    fn lines() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let rewritten = Decision::Rewrite {
            manifests: vec![NewManifest {
                media_type: String::new(),
                bytes: Vec::new(),
                instead_of: regcarve_types::Digest::parse(empty).unwrap(),
            }],
            contents: Vec::new(),
        };
        for (decision, line) in [
            (Decision::Keep, "keep".to_owned()),
            (Decision::Drop("why: so".into()), "drop: why: so".into()),
            (Decision::Missing("it".into()), "missing: it".into()),
            (
                Decision::KeepPlatforms(vec!["linux/amd64".parse().unwrap()]),
                "keep-platforms: linux/amd64".into(),
            ),
            (
                rewritten,
                format!("rewrite: {empty}, 1 new manifest, 0 kept contents"),
            ),
        ] {
            assert_eq!(of(&decision), line);
            assert!(is_known(&line));
        }
    }

    #[test]
    fn a_word_alone_leaves_the_rest_open() {
        assert!(
            fits("keep", "keep") && fits("drop", "drop: why") && fits("drop: why", "drop: why")
        );
        assert!(!fits("drop: wh", "drop: why") && !fits("keep", "drop: keep"));
        assert!(!fits("keep", "keep-platforms: linux/amd64"));
        assert!(!is_known("kep") && !is_known("dropped: x") && !is_known(""));
    }
}
