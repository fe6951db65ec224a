//! Decisions, in the words of settings and of short policies.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Decision;

/// The fate of an image that a policy rejects: the setting `verdict`, which most policies have.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is dropped, and the release goes on without it.
    #[default]
    Drop,
    /// The release is not complete without it: exit code 3.
    Fail,
}

impl Verdict {
    /// The decision against an image, for this reason.
    pub fn against(self, reason: impl Into<String>) -> Decision {
        match self {
            Self::Drop => Decision::Drop(reason.into()),
            Self::Fail => Decision::Missing(reason.into()),
        }
    }
}

impl Decision {
    /// Drops an image for this reason if `condition` holds, and keeps it if not.
    pub fn drop_if(condition: bool, reason: impl Into<String>) -> Self {
        if condition {
            Self::Drop(reason.into())
        } else {
            Self::Keep
        }
    }
}
