//! `regcarve policy inspect`: a policy's description, digest, imports and settings.

use anyhow::Result;
use serde::Serialize;

use super::{engine, load};
use crate::cli::Format;
use crate::cli::policy::Inspect;
use crate::commands::print;
use crate::pipeline::session::restrict_all;
use crate::report::file::json;
use crate::spec::ComponentSpec;
use crate::text;
use crate::wasm::roles::policy::Policy;

/// The result of `regcarve policy inspect --format json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Inspected {
    /// The name that the policy gives itself.
    name: String,
    /// Its semantic version.
    version: String,
    /// One sentence.
    summary: String,
    /// A shipped name, or the path of a file.
    component: String,
    /// The digest of the component.
    sha256: String,
    /// The way to name exactly these bytes on a command line. Not there for shipped policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    /// The size of the component in bytes.
    size: usize,
    /// The interfaces that the component imports.
    imports: Vec<String>,
    /// The powers that these imports give it, in plain words.
    powers: Vec<&'static str>,
    /// The JSON schema of its settings.
    settings_schema: serde_json::Value,
}

pub(super) fn inspect(args: &Inspect) -> Result<()> {
    let engine = engine(&args.components)?;
    let component = load(&engine, &args.policy, &args.components)?;
    restrict_all(args.components.sandbox)?;
    let about = Policy::start_alone(&component)?.describe()?;
    let inspected = Inspected {
        name: about.name,
        version: about.version,
        summary: about.summary,
        component: component.name().into(),
        sha256: component.sha256().to_string(),
        pin: matches!(args.policy.component, ComponentSpec::File { .. })
            .then(|| format!("{}@{}", component.name(), component.sha256())),
        size: component.size(),
        imports: component.imports().to_vec(),
        powers: powers(component.imports()),
        settings_schema: serde_json::from_str(&about.settings_schema).unwrap_or_default(),
    };
    print(&match args.format {
        Format::Json => json(&inspected)?,
        Format::Text => draw(&inspected),
    })?;
    Ok(())
}

/// The result for people.
fn draw(policy: &Inspected) -> String {
    let schema = serde_json::to_string_pretty(&policy.settings_schema).unwrap_or_default();
    let visible = |text: &str| text::visible(text).into_owned();
    let mut lines = vec![
        format!(
            "{} {}: {}",
            visible(&policy.name),
            visible(&policy.version),
            visible(&policy.summary)
        ),
        format!(
            "component  {} ({})",
            visible(&policy.component),
            text::bytes(policy.size as u64)
        ),
        format!("digest     {}", policy.sha256),
    ];
    lines.extend(
        policy
            .pin
            .iter()
            .map(|pin| format!("pinned     --policy {pin}")),
    );
    lines.push("it can".into());
    lines.extend(policy.powers.iter().map(|power| format!("  - {power}")));
    lines.push("settings".into());
    lines.extend(schema.lines().map(|line| format!("  {}", visible(line))));
    lines.join("\n")
}

/// The powers of a component with these imports, in plain words.
fn powers(imports: &[String]) -> Vec<&'static str> {
    let imports = |interface: &str| imports.iter().any(|name| name.starts_with(interface));
    let mut powers = vec![
        "see name, tag, digest, size and platforms of the images of a release, and decide on them",
    ];
    if imports("regcarve:plugin/log@") {
        powers.push("write to the log of a run");
    }
    if imports("regcarve:plugin/content@") {
        powers.push("read manifests and configs of these images, and nothing else");
    }
    if imports("wasi:") {
        powers.push("call WASI, which is empty here: no files, no network, no environment, a clock that stands still");
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::powers;

    #[test]
    fn powers_follow_from_imports() {
        assert_eq!(powers(&[]).len(), 1);
        let imports = [
            "regcarve:plugin/content@0.1.0",
            "regcarve:plugin/types@0.1.0",
        ]
        .map(Into::into);
        assert!(powers(&imports)[1].contains("manifests"));
        assert!(powers(&["wasi:cli/stdout@0.2.6".into()])[1].contains("WASI"));
    }
}
