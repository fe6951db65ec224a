//! Versions, as tags write them.
//!
//! ```text
//!   v1.27.3-rc.1_build.5
//!   │└──┬─┘ └─┬┘ └──┬──┘
//!   │ numbers pre  build      a tag cannot hold a `+`, so Helm and others write `_`
//!   optional
//! ```
//!
//! One to four numbers, and those that are not written are 0. Otherwise the order is that of semantic versions: `rc.10`
//! comes behind `rc.9` and before the version itself.

use semver::{BuildMetadata, Prerelease};

/// A version. Versions that differ in writing only are equal: `1.2` and `v1.2.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    numbers: [u64; MOST_NUMBERS],
    pre: Prerelease,
    build: BuildMetadata,
}

/// The largest number of numbers; Windows and its images have four.
const MOST_NUMBERS: usize = 4;

impl Version {
    /// The version that a tag states, if the tag is one.
    pub fn of_tag(tag: &str) -> Option<Self> {
        // A separator with nothing behind it is a mistake, not a version.
        if tag.ends_with(['-', '_', '+']) {
            return None;
        }
        let text = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
        let (text, build) = text.split_once(['_', '+']).unwrap_or((text, ""));
        let (text, pre) = text.split_once('-').unwrap_or((text, ""));
        let mut numbers = [0; MOST_NUMBERS];
        for (position, number) in text.split('.').enumerate() {
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            *numbers.get_mut(position)? = number.parse().ok().filter(|_| digits)?;
        }
        Some(Self {
            numbers,
            pre: Prerelease::new(&without_leading_zeros(pre)).ok()?,
            build: BuildMetadata::new(build).ok()?,
        })
    }

    /// Returns true for a pre-release: `1.2.0-rc.1`.
    pub fn is_prerelease(&self) -> bool {
        !self.pre.is_empty()
    }
}

/// Semantic versions have no `rc.01`; tags do.
fn without_leading_zeros(pre: &str) -> String {
    let identifiers = pre.split('.').map(|one| {
        let number = !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_digit());
        match one.trim_start_matches('0') {
            "" if number => "0",
            rest if number => rest,
            _ => one,
        }
    });
    identifiers.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn in_order() {
        let rising = [
            "0",
            "0.0.1-alpha",
            "0.0.1-alpha.1",
            "0.0.1-alpha.beta",
            "0.0.1-beta.2",
            "0.0.1-beta.11",
            "0.0.1-rc.01",
            "0.0.1",
            "1",
            "v1.2-rc9",
            "v1.2",
            "1.2.0_1",
            "1.2.0_2",
            "1.2.0.1",
            "1.9.0",
            "1.10.0",
            "V2.0.0-20240101",
            "2.0.0-alpine3.20",
            "2",
            "10.0.17763.1432",
            "2024.01.05",
            "2024.1.06",
            "20240105",
        ];
        let versions = rising.map(|tag| (tag, Version::of_tag(tag).unwrap()));
        for pair in versions.windows(2) {
            assert!(pair[0].1 < pair[1].1, "{} < {}", pair[0].0, pair[1].0);
        }
    }

    #[test]
    fn written_in_several_ways() {
        for (one, other) in [
            ("1", "v1.0.0"),
            ("1.2", "1.2.0.0"),
            ("1.02", "1.2"),
            ("1-rc.01", "1.0-rc.1"),
            ("1.0-0", "1.0-00"),
            ("1.0_b", "1.0+b"),
        ] {
            assert_eq!(Version::of_tag(one), Version::of_tag(other), "{one}");
            assert!(Version::of_tag(one).is_some(), "{one}");
        }
    }

    #[test]
    fn no_versions() {
        for tag in [
            "",
            "v",
            "latest",
            "stable-1.2",
            "1.",
            ".1",
            "1..2",
            "1.2.3.4.5",
            "1.x",
            "1.2.3.Final",
            "1.2-a..b",
            "1.2-",
            "vv1",
            "99999999999999999999",
            "sha-1234567",
            "1a2b3c4",
        ] {
            assert_eq!(Version::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn prereleases() {
        for (tag, expected) in [
            ("1.2", false),
            ("1.2_rc", false),
            ("1.2-rc1", true),
            ("1.2-alpine", true),
        ] {
            assert_eq!(Version::of_tag(tag).unwrap().is_prerelease(), expected);
        }
    }
}
