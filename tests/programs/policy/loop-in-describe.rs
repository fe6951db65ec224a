//! Attacks: a call ends within `--guest-time`, also the one that asks for a name.

use regcarve_policy_kit::policy::{Decision, Diagnostic, Image, Policy};
use regcarve_policy_kit::schemars::{JsonSchema, Schema, SchemaGenerator};
use regcarve_policy_kit::serde::Deserialize;

#[derive(Deserialize)]
#[serde(crate = "regcarve_policy_kit::serde")]
struct Program {}

/// The schema of the settings is made when the policy is asked who it is.
impl JsonSchema for Program {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Program".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        regcarve_test_programs::spin()
    }
}

impl Policy for Program {
    const NAME: &'static str = "program";
    const VERSION: &'static str = "1.0.0";
    const SUMMARY: &'static str = "A guest for tests.";

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        Ok(())
    }
    fn decide(&mut self, _: &str, _: &Image) -> Result<Decision, String> {
        Ok(Decision::Keep)
    }
}

regcarve_policy_kit::policy!(Program);
