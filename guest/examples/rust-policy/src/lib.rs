//! `owned-images`: every image of a release names the team that owns it, and no snapshot is released.
//!
//! A policy is a type that holds its settings and decides on images; the kit makes a component of it.

use regcarve_policy_kit::Kind;
use regcarve_policy_kit::policy::{Decision, Image, Policy, content};
use serde_json::Value;

/// What a platform team may set.
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
        if let Some(tag) = image.tag.as_deref().filter(|tag| self.is_snapshot(tag)) {
            return Ok(Decision::Drop(format!("`{tag}` is a snapshot")));
        }
        let contents = content::closure(&image.digest).map_err(|why| content::explain(&why))?;
        // An image for several platforms has a config for each.
        for config in contents
            .iter()
            .filter(|content| content.kind == Kind::Config)
        {
            let bytes = content::read_blob(&config.digest).map_err(|why| content::explain(&why))?;
            if !self.is_owned(&bytes) {
                return Ok(Decision::Drop(format!(
                    "its config has no label `{}`",
                    self.label
                )));
            }
        }
        Ok(Decision::Keep)
    }
}

impl Rule {
    fn is_snapshot(&self, tag: &str) -> bool {
        self.snapshots.iter().any(|ending| tag.ends_with(ending))
    }

    fn is_owned(&self, config: &[u8]) -> bool {
        let config: Value = serde_json::from_slice(config).unwrap_or_default();
        config["config"]["Labels"][&self.label]
            .as_str()
            .is_some_and(|team| !team.is_empty())
    }
}

regcarve_policy_kit::policy!(Rule);

#[cfg(test)]
mod tests {
    use super::Rule;
    use regcarve_policy_kit::policy::configure;

    #[test]
    fn rules() {
        let policy: Rule = configure(r#"{"label":"owner"}"#).unwrap();
        assert!(policy.is_snapshot("1.2-snapshot") && !policy.is_snapshot("1.2"));
        assert!(policy.is_owned(br#"{"config":{"Labels":{"owner":"search"}}}"#));
        for nobody in [
            r#"{"config":{"Labels":{"team":"search"}}}"#,
            r#"{"config":{"Labels":{"owner":""}}}"#,
            "{}",
            "no JSON",
        ] {
            assert!(!policy.is_owned(nobody.as_bytes()), "{nobody}");
        }
    }
}
