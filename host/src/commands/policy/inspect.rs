//! `regcarve policy inspect`.

use serde::Serialize;

use super::{engine, load};
use crate::cli::{Format, Inspect};
use crate::commands::print;
use crate::commands::session::fence;
use crate::error::Error;
use crate::spec::ComponentSpec;
use crate::text;
use crate::wasm::roles::policy::Policy;

/// What is said of a policy.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    version: String,
    summary: String,
    /// A shipped name, or a path.
    component: String,
    sha256: String,
    /// What to write on a command line to accept exactly these bytes; a shipped policy needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    /// In bytes.
    size: usize,
    /// Interfaces, as the file names them.
    imports: Vec<String>,
    /// The same in plain words.
    powers: Vec<&'static str>,
    /// A JSON schema.
    settings_schema: serde_json::Value,
}

pub(super) fn inspect(args: &Inspect) -> Result<(), Error> {
    let engine = engine(&args.components)?;
    let component = load(&engine, &args.policy, &args.components)?;
    fence(args.components.sandbox)?;
    let about = Policy::start_alone(&component)?.describe()?;
    let row = Row {
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
    match args.format {
        Format::Json => {
            let json = serde_json::to_string_pretty(&row);
            print(&json.map_err(|error| Error::Internal(error.to_string()))?)
        }
        Format::Text => print(&draw(&row)),
    }
}

fn draw(row: &Row) -> String {
    let schema = serde_json::to_string_pretty(&row.settings_schema).unwrap_or_default();
    let visible = |text: &str| text::visible(text).into_owned();
    let mut lines = vec![
        format!(
            "{} {}: {}",
            visible(&row.name),
            visible(&row.version),
            visible(&row.summary)
        ),
        format!(
            "component  {} ({})",
            visible(&row.component),
            text::bytes(row.size as u64)
        ),
        format!("digest     {}", row.sha256),
    ];
    lines.extend(
        row.pin
            .iter()
            .map(|pin| format!("pinned     --policy {pin}")),
    );
    lines.push("it can".into());
    lines.extend(
        row.powers
            .iter()
            .map(|capability| format!("  - {capability}")),
    );
    lines.push("settings".into());
    lines.extend(schema.lines().map(|line| format!("  {}", visible(line))));
    lines.join("\n")
}

/// What imports mean.
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
