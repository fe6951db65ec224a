//! Functions of the language.

use std::cell::RefCell;
use std::collections::HashMap;

use cel::common::types::{CelBool, CelString, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError};
use regcarve_policy_kit::policy::created;
use regcarve_policy_kit::policy::version::Version;
use regex_lite::Regex;

use crate::values::{Semantic, Time};

/// The names of all functions.
pub(crate) const NAMES: [&str; 15] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "timestamp",
    "type",
    "uint",
    "version",
];

/// The largest number of patterns that are kept. An expression has a few; one that makes them of labels could have any
/// number.
const MOST_PATTERNS: usize = 100;

/// The standard functions, and ours.
pub(crate) fn environment() -> Env {
    let mut env = Env::default().with_optional_support(false).with_stdlib();
    let text = || vec![STRING_TYPE];
    let two = vec![STRING_TYPE, STRING_TYPE];
    let added = [
        env.add_overload("timestamp", "string_to_timestamp", text(), timestamp),
        env.add_overload("version", "string_to_version", text(), version),
        env.add_overload("matches", "matches", two, matches),
        env.add_member_overload("matches", "string_matches", STRING_TYPE, text(), matches),
    ];
    // Our names are none of the standard ones; a test looks for all of them.
    debug_assert!(added.iter().all(Result::is_ok));
    env
}

/// A text among the arguments; the language has looked at their types.
fn argument<'a>(args: &'a [CowVal<'_, '_>], position: usize) -> &'a str {
    let value = args.get(position);
    let text: Option<&CelString<'_>> = value.and_then(|value| value.downcast_ref());
    text.map_or("", |text| text.inner())
}

fn timestamp<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = argument(&args, 0);
    created::parse_setting(text)
        .map(|time| CowVal::owned(Time(time)))
        .ok_or_else(|| {
            let text =
                format!("`{text}` is neither a time such as 2026-01-01T12:00:00Z nor a date");
            ExecutionError::function_error("timestamp", text)
        })
}

fn version<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = argument(&args, 0);
    Version::of_tag(text)
        .map(|version| CowVal::owned(Semantic(version)))
        .ok_or_else(|| {
            ExecutionError::function_error("version", format!("`{text}` is not a version"))
        })
}

fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let found = pattern(argument(&args, 1))
        .map_err(|error| ExecutionError::function_error("matches", error))?
        .is_match(argument(&args, 0));
    Ok(CowVal::owned(CelBool::from(found)))
}

/// A regular expression. It is compiled once, and not for each image.
pub(crate) fn pattern(text: &str) -> Result<Regex, String> {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(pattern) = known.get(text) {
            return Ok(pattern.clone());
        }
        let pattern = Regex::new(text).map_err(|error| error.to_string())?;
        if known.len() == MOST_PATTERNS {
            known.clear();
        }
        known.insert(text.into(), pattern.clone());
        Ok(pattern)
    })
}
