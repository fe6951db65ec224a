//! The reference of all JSON formats, `host/docs/report.md`: made of the types and their comments.
//!
//! `REGCARVE_WRITE_DOCS=1 cargo test --release --lib report_docs` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use super::policy::inspect::Inspected;
use super::policy::test::case::CaseFile;
use crate::report::run::Report;
use crate::report::verify::VerifyReport;

/// The longest line.
const WIDTH: usize = 118;

const HEAD: &str = "\
# JSON formats

<!-- Made of the types in host/src by the test `report_docs`; do not edit. -->

Each format carries a semantic version in `schema`. Within one major version fields are only added. Lists are sorted,
sizes are bytes, times are milliseconds. `from` is the line of a list (`FILE:LINE`) or the flag that asked.
";

#[test]
fn the_reference_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.md");
    let made = reference();
    if std::env::var_os("REGCARVE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == made,
        "{} is not that of the types; REGCARVE_WRITE_DOCS=1 writes it",
        path.display()
    );
}

fn reference() -> String {
    let mut text = HEAD.to_owned();
    let written = || SchemaSettings::draft2020_12().for_serialize();
    section::<Report>(
        &mut text,
        "`run --report` and `plan --format json`",
        written(),
    );
    section::<VerifyReport>(&mut text, "`verify --format json`", written());
    section::<Inspected>(&mut text, "`policy inspect --format json`", written());
    let read = SchemaSettings::draft2020_12().for_deserialize();
    section::<CaseFile>(&mut text, "Test cases of `policy test`", read);
    text
}

/// Describes a format: its type, and those that it is made of.
fn section<T: JsonSchema>(text: &mut String, title: &str, settings: SchemaSettings) {
    let schema: Schema = settings.into_generator().into_root_schema_for::<T>();
    let mut root = schema.as_object().cloned().unwrap_or_default();
    let types: BTreeMap<String, Value> = match root.remove("$defs") {
        Some(Value::Object(types)) => types.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    let _ = write!(text, "\n## {title}\n\n");
    object(text, &root);
    for (name, schema) in types {
        let Value::Object(schema) = schema else {
            continue;
        };
        let _ = write!(text, "\n### {name}\n\n");
        object(text, &schema);
    }
}

/// Describes a type: its comment, and its fields with theirs.
fn object(text: &mut String, schema: &Map<String, Value>) {
    paragraph(text, "", &description(schema));
    let Some(Value::Object(fields)) = schema.get("properties") else {
        let _ = write!(text, "\n{}.\n", type_name(schema));
        return;
    };
    text.push('\n');
    let required = schema.get("required").and_then(Value::as_array);
    for (name, field) in fields {
        let Value::Object(field) = field else {
            continue;
        };
        let always = required.is_some_and(|required| required.contains(&name.as_str().into()));
        let optional = if always { "" } else { ", optional" };
        let type_name = type_name(field);
        let line = format!("`{name}` ({type_name}{optional}): {}", description(field));
        paragraph(text, "- ", &line);
    }
}

fn description(schema: &Map<String, Value>) -> String {
    let text = schema.get("description").and_then(Value::as_str);
    text.unwrap_or_default().replace('\n', " ")
}

/// A type in plain words.
fn type_name(schema: &Map<String, Value>) -> String {
    let inner = |key: &str| match schema.get(key) {
        Some(Value::Object(inner)) => type_name(inner),
        _ => "anything".to_owned(),
    };
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return format!("`{}`", name.rsplit('/').next().unwrap_or(name));
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(Value::Array(choices)) = schema.get(key) {
            let choices = choices.iter().filter_map(Value::as_object);
            let names: Vec<_> = choices
                .filter(|choice| choice.get("type") != Some(&"null".into()))
                .map(type_name)
                .collect();
            return names.join(" or ");
        }
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
        return values.join(" or ");
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    match kind {
        Some("string") => "text".into(),
        Some("boolean") => "true or false".into(),
        Some("array") => format!("list of {}", inner("items")),
        Some("object") if schema.contains_key("properties") => {
            let fields = schema["properties"].as_object();
            let names = fields.into_iter().flat_map(Map::keys);
            let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
            format!("object with {}", names.join(", "))
        }
        Some("object") => format!("map of {}", inner("additionalProperties")),
        Some(kind) => kind.into(),
        None => "anything".into(),
    }
}

/// Adds words, broken into lines; those behind the first are indented below it.
fn paragraph(text: &mut String, start: &str, words: &str) {
    let mut line = start.to_owned();
    let indent = " ".repeat(start.len());
    for word in words.split_whitespace() {
        let length = line.chars().count() + 1 + word.chars().count();
        if length > WIDTH && line.trim() != start.trim() {
            text.push_str(line.trim_end());
            text.push('\n');
            line.clone_from(&indent);
        }
        line += word;
        line.push(' ');
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
