//! `owned-images`: every image of a release names the team that owns it, and no snapshot is released.
//!
//! A policy is a type that holds its settings and decides on images; the kit makes a component of it.

use std::collections::BTreeMap;

use regcarve_policy_kit::policy::{Decision, Image, Policy};

/// The settings of a platform team.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// The label that the config of an image must have.
    label: String,
    /// Endings of tags that are never released.
    snapshots: Vec<String>,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            label: "team".into(),
            snapshots: vec!["-snapshot".into(), "-dirty".into()],
        }
    }
}

impl Policy for Rule {
    const NAME: &'static str = "owned-images";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Drops snapshots, and images that no team owns.";

    fn decide(&mut self, _repository: &str, image: &Image) -> Result<Decision, String> {
        if self.is_snapshot(image.tag()) {
            let reason = format!("`{}` is a snapshot", image.tag());
            return Ok(Decision::Drop(reason));
        }
        // An image for several platforms has labels for each.
        let owned = image.labels()?.iter().all(|labels| self.is_owned(labels));
        let reason = format!("its config has no label `{}`", self.label);
        Ok(Decision::drop_if(!owned, reason))
    }
}

impl Rule {
    fn is_snapshot(&self, tag: &str) -> bool {
        self.snapshots.iter().any(|ending| tag.ends_with(ending))
    }

    fn is_owned(&self, labels: &BTreeMap<String, String>) -> bool {
        labels.get(&self.label).is_some_and(|team| !team.is_empty())
    }
}

regcarve_policy_kit::policy!(Rule);

#[cfg(test)]
mod tests {
    use super::Rule;
    use regcarve_policy_kit::policy::{Decision, Policy, configure};
    use regcarve_policy_kit::testing::{index, manifest};
    use serde_json::json;

    #[test]
    fn snapshots_are_dropped() {
        let policy: Rule = configure("{}").unwrap();
        assert!(policy.is_snapshot("1.2-snapshot") && !policy.is_snapshot("1.2"));
    }

    #[test]
    fn each_platform_needs_an_owner() {
        let mut policy: Rule = configure(r#"{"label":"owner"}"#).unwrap();
        let owned = || manifest(json!({"config": {"Labels": {"owner": "search"}}}));
        for other in [
            json!({"config": {"Labels": {"team": "search"}}}),
            json!({"config": {"Labels": {"owner": ""}}}),
            json!({}),
            json!("no object"),
        ] {
            let image = index([owned().on("linux/amd64"), manifest(other).on("linux/arm64")]);
            let decision = policy.decide("team/app", &image.image("1.2"));
            let reason = "its config has no label `owner`".into();
            assert_eq!(decision, Ok(Decision::Drop(reason)));
        }
        let attested = index([
            owned().on("linux/amd64"),
            manifest(json!({})).attests(&owned()),
        ]);
        let decision = policy.decide("team/app", &attested.image("1.2"));
        assert_eq!(decision, Ok(Decision::Keep));
    }
}
