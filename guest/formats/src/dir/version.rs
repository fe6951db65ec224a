//! The file `version`: the revision of the format.

use std::fmt;

use regcarve_types::{Algorithm, Digest, Excerpt};

/// The text before the number.
const PREFIX: &str = "Directory Transport Version: ";

/// A revision of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1.0, before signatures of children.
    V1_0,
    /// 1.1, which all tools read.
    V1_1,
    /// 1.2, which has digests other than `sha256` and is not read by older tools.
    V1_2,
}

impl Version {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V1_0, Self::V1_1, Self::V1_2];

    /// The revision that a folder with these digests must say it has.
    pub fn for_digests<'a>(digests: impl IntoIterator<Item = &'a Digest>) -> Self {
        let all_usual = digests
            .into_iter()
            .all(|digest| digest.algorithm() == Algorithm::Sha256);
        if all_usual { Self::V1_1 } else { Self::V1_2 }
    }

    /// The content of the file.
    pub const fn text(self) -> &'static str {
        match self {
            Self::V1_0 => "Directory Transport Version: 1.0\n",
            Self::V1_1 => "Directory Transport Version: 1.1\n",
            Self::V1_2 => "Directory Transport Version: 1.2\n",
        }
    }

    /// Reads the content of the file. A missing line end is forgiven.
    pub fn parse(content: &[u8]) -> Result<Self, VersionError> {
        let text = std::str::from_utf8(content).map_err(|_| VersionError::Malformed)?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        let number = line.strip_prefix(PREFIX).ok_or(VersionError::Malformed)?;
        let known = Self::ALL
            .into_iter()
            .find(|known| known.text().trim_end() == line);
        known.ok_or_else(|| match numbers(number) {
            Some(numbers) if numbers > (1, 2) => VersionError::Newer(Excerpt::of(number)),
            _ => VersionError::Malformed,
        })
    }
}

fn numbers(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text()[PREFIX.len()..].trim_end())
    }
}

/// Why a `version` file cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// It does not state a revision.
    #[error("the version file does not say `{PREFIX}1.1`")]
    Malformed,
    /// It states a later revision.
    #[error("version {0} of the format is newer than 1.2, the last one known here")]
    Newer(Excerpt),
}
