//! The short form: `tier=gold,team,stage!=dev,!internal`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Turns the short form into settings.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut require: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut forbid = require.clone();
    for item in text.split(',').map(str::trim) {
        let (keys, key, value) = if let Some((key, value)) = item.split_once("!=") {
            (&mut forbid, key, value)
        } else if let Some((key, value)) = item.split_once('=') {
            (&mut require, key, value.strip_prefix('=').unwrap_or(value))
        } else if let Some(key) = item.strip_prefix('!') {
            (&mut forbid, key, "*")
        } else {
            (&mut require, item, "*")
        };
        let key = key.trim();
        if key.is_empty() {
            return Err(format!(
                "`{item}` has no key: write it like `tier=gold,team,stage!=dev`"
            ));
        }
        keys.entry(key).or_default().push(value.trim());
    }
    Ok(json!({ "require": require, "forbid": forbid }))
}
