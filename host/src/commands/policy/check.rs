//! `regcarve policy check`.

use semver::Version;

use super::new::is_name;
use super::{engine, load};
use crate::cli::Check;
use crate::commands::{print, session};
use crate::error::Error;
use crate::release::decision::Description;
use crate::text;
use crate::wasm::roles::policy::Policy;

pub(super) fn check(args: &Check) -> Result<(), Error> {
    let engine = engine(&args.components)?;
    let component = load(&engine, &args.policy, &args.components)?;
    let settings = match args.policy.settings {
        Some(_) => Some(session::settings(&args.policy)?),
        None => None,
    };
    session::fence(args.components.sandbox)?;
    let mut policy = Policy::start_alone(&component)?;
    let about = policy.describe()?;
    if let Some(wrong) = wrong_in(&about) {
        return Err(policy.invalid_answer(format!("it describes itself, and {wrong}")));
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
    )))
}

/// What is not as `describe` in the contract wants it. A run goes on all the same; an author should know.
fn wrong_in(about: &Description) -> Option<String> {
    if !is_name(&about.name) {
        return Some(format!(
            "the name `{}` is not lower-case words joined by `-`",
            about.name
        ));
    }
    if let Err(error) = Version::parse(&about.version) {
        return Some(format!(
            "the version `{}` is no semantic version: {error}",
            about.version
        ));
    }
    match serde_json::from_str(&about.settings_schema) {
        Ok(serde_json::Value::Object(_) | serde_json::Value::Bool(_)) => None,
        Ok(_) => Some("the schema of its settings is JSON, but no schema".into()),
        Err(error) => Some(format!("the schema of its settings is no JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::wrong_in;
    use crate::release::decision::Description;

    #[test]
    fn a_description_is_what_the_contract_wants() {
        let about = |name: &str, version: &str, settings_schema: &str| Description {
            name: name.into(),
            version: version.into(),
            summary: String::new(),
            settings_schema: settings_schema.into(),
        };
        assert_eq!(wrong_in(&about("a-b", "1.0.0-rc.1", "{}")), None);
        for (about, text) in [
            (about("A b", "1.0.0", "{}"), "lower-case words"),
            (about("a", "1.0", "{}"), "no semantic version"),
            (about("a", "1.0.0", ""), "no JSON"),
            (about("a", "1.0.0", "[]"), "no schema"),
        ] {
            assert!(wrong_in(&about).unwrap().contains(text), "{about:?}");
        }
    }
}
