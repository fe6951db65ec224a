//! An expression and an image.

use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::CowVal;
use cel::{IdedExpr, Value};
use regcarve_policy_kit::policy::Image;

use crate::Program;
use crate::check::message;
use crate::facts::Facts;
use crate::values::Time;

/// Whether the expression is true of all platforms of an image; if not, why.
pub(crate) fn evaluate(
    program: &Program,
    repository: &str,
    image: &Image,
) -> Result<Option<String>, String> {
    let mut facts = Facts::of(repository, image);
    loop {
        let why = against(program, &facts);
        if let Some(failure) = facts.failure() {
            return Err(failure);
        }
        if let Some(why) = why {
            return Ok(Some(format!("{why}{}", facts.on_platform())));
        }
        if !facts.next_part() {
            return Ok(None);
        }
    }
}

/// What speaks against the platform at hand.
fn against(program: &Program, facts: &Facts<'_>) -> Option<String> {
    let context = facts.context(program);
    match Value::resolve_val(&program.expression, &context) {
        Ok(result) => match result.downcast_ref::<CelBool>().map(CelBool::inner) {
            Some(true) => None,
            Some(false) => Some(format!("is false{}", mentions(program, facts))),
            None => Some(format!("gives a {}", result.get_type().name())),
        },
        Err(error) => Some(format!("fails: {}", message(&error))),
    }
}

/// What the expression speaks of, as far as that has been read: `; image.labels.tier is "silver"`.
fn mentions(program: &Program, facts: &Facts<'_>) -> String {
    let said = program.mentions.iter().filter_map(|(name, expression)| {
        let field = name.split(['.', '[']).nth(1)?;
        // These stand beside every reason.
        let named = ["repository", "tag", "digest"].contains(&field);
        let value = (!named && facts.knows(field)).then(|| shown(program, facts, expression))??;
        Some(format!("; {name} is {value}"))
    });
    said.collect()
}

/// A value that fits into a line.
fn shown(program: &Program, facts: &Facts<'_>, expression: &IdedExpr) -> Option<String> {
    let context = facts.context(program);
    let value: CowVal<'_, '_> = Value::resolve_val(expression, &context).ok()?;
    if let Some(text) = value.downcast_ref::<CelString>() {
        return Some(format!("{:?}", text.inner()));
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Some(number.inner().to_string());
    }
    value.downcast_ref::<Time>().map(|time| time.0.to_string())
}
