//! `match`: allow and deny globs on repository and tag.
//!
//! ```json
//! { "allow": ["library/**"], "deny": ["**:*-rc*", "**:latest"] }
//! ```
//!
//! A rule is `REPOSITORY` or `REPOSITORY:TAG`, both globs in which `*` stands for any characters but `/`, and
//! `**` also for `/`. An image is kept if it matches some rule of `allow` (or there is none) and no rule of
//! `deny`. An image without a tag matches rules without a tag only.

use regcarve_policy_kit::policy::{Decision, Diagnostic, Diagnostics, Image, Policy};
use regcarve_types::Glob;
use schemars::JsonSchema;
use serde::Deserialize;

/// Globs for the names of images that are kept.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Images that match none of these are dropped. Empty: all are allowed.
    #[serde(default)]
    allow: Vec<String>,
    /// Images that match one of these are dropped.
    #[serde(default)]
    deny: Vec<String>,
    #[serde(skip)]
    rules: Rules,
}

#[derive(Debug, Default)]
struct Rules {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
}

/// `REPOSITORY` or `REPOSITORY:TAG`.
#[derive(Debug)]
struct Rule {
    text: String,
    repository: Glob,
    tag: Option<Glob>,
}

impl Rule {
    fn parse(text: &str) -> Result<Self, String> {
        let (repository, tag) = match text.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (text, None),
        };
        let glob = |part: &str| Glob::parse(part).map_err(|error| format!("`{text}`: {error}"));
        Ok(Self {
            text: text.into(),
            repository: glob(repository)?,
            tag: tag.map(glob).transpose()?,
        })
    }

    fn matches(&self, repository: &str, tag: Option<&str>) -> bool {
        self.repository.matches(repository)
            && match (&self.tag, tag) {
                (None, _) => true,
                (Some(glob), Some(tag)) => glob.matches(tag),
                (Some(_), None) => false,
            }
    }
}

impl Policy for Match {
    const NAME: &'static str = "match";
    const SUMMARY: &'static str = "Keeps or drops images by globs on repository and tag.";

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        let mut wrong = Diagnostics::new();
        self.rules.allow = wrong.check_each("/allow", &self.allow, Rule::parse);
        self.rules.deny = wrong.check_each("/deny", &self.deny, Rule::parse);
        wrong.finish()
    }

    fn decide(&mut self, repository: &str, image: &Image) -> Result<Decision, String> {
        let tag = image.tag.as_deref();
        if let Some(rule) = self
            .rules
            .deny
            .iter()
            .find(|rule| rule.matches(repository, tag))
        {
            return Ok(Decision::Drop(format!("denied by `{}`", rule.text)));
        }
        let allow = &self.rules.allow;
        if allow.is_empty() || allow.iter().any(|rule| rule.matches(repository, tag)) {
            Ok(Decision::Keep)
        } else {
            Ok(Decision::Drop("matches no rule of `allow`".into()))
        }
    }
}

regcarve_policy_kit::policy!(Match);

#[cfg(test)]
mod tests {
    use super::Match;
    use regcarve_policy_kit::policy::{Decision, Image, Policy, configure};

    fn image(tag: Option<&str>) -> Image {
        Image {
            tag: tag.map(Into::into),
            digest: format!("sha256:{}", "0".repeat(64)),
            media_type: String::new(),
            size: 0,
            platforms: Vec::new(),
        }
    }

    #[test]
    fn decisions() {
        let table = [
            ("{}", "library/app", Some("1"), true),
            (r#"{"allow":["library/*"]}"#, "library/app", Some("1"), true),
            (r#"{"allow":["library/*"]}"#, "team/app", Some("1"), false),
            (
                r#"{"allow":["library/*"]}"#,
                "library/sub/app",
                Some("1"),
                false,
            ),
            (
                r#"{"allow":["library/**"]}"#,
                "library/sub/app",
                Some("1"),
                true,
            ),
            (r#"{"allow":["**:1.*"]}"#, "library/app", Some("1.2"), true),
            (r#"{"allow":["**:1.*"]}"#, "library/app", Some("2.0"), false),
            (r#"{"allow":["**:1.*"]}"#, "library/app", None, false),
            (
                r#"{"deny":["**:*-rc*"]}"#,
                "library/app",
                Some("1.0-rc1"),
                false,
            ),
            (r#"{"deny":["**:*-rc*"]}"#, "library/app", Some("1.0"), true),
            (
                r#"{"allow":["**"],"deny":["library/**"]}"#,
                "library/app",
                Some("1"),
                false,
            ),
        ];
        for (settings, repository, tag, stays) in table {
            let mut policy: Match = configure(settings).unwrap();
            let decision = policy.decide(repository, &image(tag)).unwrap();
            assert_eq!(
                matches!(decision, Decision::Keep),
                stays,
                "{settings} {repository}:{tag:?}"
            );
        }
    }

    #[test]
    fn wrong_settings_are_named() {
        for (settings, path) in [
            (r#"{"alow":[]}"#, "/alow"),
            (r#"{"allow":[1]}"#, "/allow/0"),
            (r#"{"allow":["a","b["]}"#, "/allow/1"),
            ("[]", ""),
        ] {
            let wrong = configure::<Match>(settings).unwrap_err();
            assert_eq!(wrong[0].path, path, "{settings}: {wrong:?}");
        }
    }
}
