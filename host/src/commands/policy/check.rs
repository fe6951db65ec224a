//! `regcarve policy check`: whether a policy can run here, with its settings.

use anyhow::Result;
use semver::Version;

use super::new::is_name;
use super::{engine, load};
use crate::cli::policy::Check;
use crate::commands::print;
use crate::inputs;
use crate::pipeline::session::restrict_all;
use crate::release::decision::Description;
use crate::text;
use crate::wasm::roles::policy::Policy;

pub(super) fn check(args: &Check) -> Result<()> {
    let engine = engine(&args.components)?;
    let component = load(&engine, &args.policy, &args.components)?;
    let settings = match args.policy.settings {
        Some(_) => Some(inputs::settings(&args.policy)?),
        None => None,
    };
    restrict_all(args.components.sandbox)?;
    let mut policy = Policy::start_alone(&component)?;
    let about = policy.describe()?;
    if let Some(defect) = defect_in(&about) {
        let answer = format!("in its description, {defect}");
        return Err(policy.invalid_answer(answer).into());
    }
    let accepted = match &settings {
        Some(settings) => {
            policy.configure(settings)?;
            ", and accepts these settings"
        }
        None => "",
    };
    print(&text::visible(&format!(
        "{}: {} {} can run here{accepted}",
        component.name(),
        about.name,
        about.version
    )))?;
    Ok(())
}

/// The first way in which a description breaks the contract. A run accepts it all the same; its author should know.
fn defect_in(about: &Description) -> Option<String> {
    if !is_name(&about.name) {
        return Some(format!(
            "the name `{}` is not lower-case words joined by `-`",
            about.name
        ));
    }
    if let Err(error) = Version::parse(&about.version) {
        return Some(format!(
            "the version `{}` is not a semantic version: {error}",
            about.version
        ));
    }
    match serde_json::from_str(&about.settings_schema) {
        Ok(serde_json::Value::Object(_) | serde_json::Value::Bool(_)) => None,
        Ok(_) => Some("the schema of its settings is JSON, but not a schema".into()),
        Err(error) => Some(format!("the schema of its settings is not JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::defect_in;
    use crate::release::decision::Description;

    #[test]
    fn descriptions_follow_the_contract() {
        let about = |name: &str, version: &str, settings_schema: &str| Description {
            name: name.into(),
            version: version.into(),
            summary: String::new(),
            settings_schema: settings_schema.into(),
        };
        assert_eq!(defect_in(&about("a-b", "1.0.0-rc.1", "{}")), None);
        for (about, text) in [
            (about("A b", "1.0.0", "{}"), "lower-case words"),
            (about("a", "1.0", "{}"), "not a semantic version"),
            (about("a", "1.0.0", ""), "not JSON"),
            (about("a", "1.0.0", "[]"), "not a schema"),
        ] {
            assert!(defect_in(&about).unwrap().contains(text), "{about:?}");
        }
    }
}
