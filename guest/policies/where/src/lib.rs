//! `where`: an expression in CEL that is true for the images that are kept.
//!
//! ```text
//! --policy where='image.labels.tier == "gold"'
//! --policy where='image.repository.startsWith("library/") && !image.tag.matches("-(rc|beta)")'
//! --policy where='image.created > timestamp("2026-01-01") || "linux/s390x" in image.platforms'
//! --policy where='{"expression": "version(image.tag) >= version(\"1.27\")", "verdict": "fail"}'
//! ```
//!
//! | name | is |
//! |---|---|
//! | `image.repository`, `image.tag`, `image.digest`, `image.media_type` | texts |
//! | `image.size` | bytes of all of its content |
//! | `image.platforms` | a list of texts such as `linux/arm64`; empty for an artifact |
//! | `image.labels` | a map of texts, from the config |
//! | `image.annotations` | a map of texts, from the manifest and from the index above it |
//! | `image.created` | a time, that of the newest platform; compare it with `timestamp("2026-01-01T12:00:00Z")` or a date |
//!
//! The language is that of <https://cel.dev>, with its operators, its macros (`has`, `all`, `exists`, `exists_one`, `map`,
//! `filter`) and its functions, but none about durations and time zones. `matches` finds a regular expression anywhere in a
//! text; `version`, which is ours, makes a semantic version of a tag, to be compared.
//!
//! **A missing value is empty**, not an error: a missing label is `""`, so it is not `"gold"`, and it is not `"dev"` either; no
//! tag is `""`; an unknown time is 1970. `has(image.labels.tier)` and `has(image.created)` ask if a value is there. A key with a
//! dot in it is written `image.labels["org.opencontainers.image.vendor"]`.
//!
//! **An image for several platforms** has labels and annotations for each. It is kept only if the expression is true for all.
//!
//! **Mistakes are refused before any blob is read**: text that is no expression, a name or function that does not exist,
//! operators between types that do not go together (`image.size > "1GB"`), a result that is neither true nor false. An image on
//! which the expression fails all the same, as `int(image.labels.build) > 3` does without that label, is rejected as if it were
//! false, and the reason names the error.
//!
//! **Blobs are read only when the expression needs them**: for `image.tag == "1.0" && image.labels.tier == "gold"`, the configs
//! of images with that tag.

use std::sync::Arc;

use cel::{Env, IdedExpr};
use regcarve_policy_kit::policy::{Decision, Diagnostic, Image, Policy, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

mod check;
mod compile;
mod evaluate;
mod facts;
mod functions;
#[cfg(test)]
mod tests;
mod values;

/// A condition on the images that are kept. Short: the expression.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// An expression in CEL about `image`, true for the images that are kept.
    expression: String,
    /// The fate of an image for which it is false.
    #[serde(default)]
    verdict: Verdict,
    #[serde(skip)]
    program: Option<Program>,
}

/// An expression that has been checked.
struct Program {
    env: Arc<Env>,
    expression: IdedExpr,
    /// The fields of the image in it, by name, for reasons: `image.labels.tier`.
    field_uses: Vec<(String, IdedExpr)>,
}

impl Policy for Where {
    const NAME: &'static str = "where";
    const SUMMARY: &'static str = "Keeps the images for which an expression in CEL is true.";

    fn shorthand(value: Value) -> Result<Value, String> {
        let expression = match value {
            Value::String(expression) => expression,
            // An expression that happens to be JSON: `true`.
            Value::Bool(_) => value.to_string(),
            _ => return Err("write an expression, like `image.labels.tier == \"gold\"`".into()),
        };
        Ok(json!({ "expression": expression }))
    }

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        self.program = Some(compile::compile(&self.expression)?);
        Ok(())
    }

    fn decide(&mut self, repository: &str, image: &Image) -> Result<Decision, String> {
        let program = self.program.as_ref().ok_or("there is no expression")?;
        Ok(match evaluate::evaluate(program, repository, image)? {
            None => Decision::Keep,
            Some(why) => {
                let expression = self.expression.trim();
                self.verdict.against(format!("`{expression}` {why}"))
            }
        })
    }
}

regcarve_policy_kit::policy!(Where);
