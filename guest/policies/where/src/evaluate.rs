//! Evaluation of an expression for an image.

use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::CowVal;
use cel::{IdedExpr, Value};
use regcarve_policy_kit::policy::Image;

use crate::Program;
use crate::check::message;
use crate::facts::Facts;
use crate::values::Time;

/// Evaluates the expression for all platforms of an image; returns the reason if it is not true for one of them.
pub(crate) fn evaluate(
    program: &Program,
    repository: &str,
    image: &Image,
) -> Result<Option<String>, String> {
    let mut facts = Facts::of(repository, image);
    loop {
        let why = violation(program, &facts);
        if let Some(failure) = facts.failure() {
            return Err(failure);
        }
        if let Some(why) = why {
            return Ok(Some(format!("{why}{}", facts.on_platform())));
        }
        if !facts.next_platform() {
            return Ok(None);
        }
    }
}

/// The reason why the expression is not true for the platform at hand.
fn violation(program: &Program, facts: &Facts<'_>) -> Option<String> {
    let context = facts.context(program);
    match Value::resolve_val(&program.expression, &context) {
        Ok(result) => match result.downcast_ref::<CelBool>().map(CelBool::inner) {
            Some(true) => None,
            Some(false) => Some(format!("is false{}", values(program, facts))),
            None => Some(format!("gives a {}", result.get_type().name())),
        },
        Err(error) => Some(format!("fails: {}", message(&error))),
    }
}

/// The values of the fields in the expression, as far as they have been read: `; image.labels.tier is "silver"`.
fn values(program: &Program, facts: &Facts<'_>) -> String {
    let values = program.field_uses.iter().filter_map(|(name, expression)| {
        let field = name.split(['.', '[']).nth(1)?;
        // These stand beside every reason.
        let named = ["repository", "tag", "digest"].contains(&field);
        let value = (!named && facts.knows(field)).then(|| shown(program, facts, expression))??;
        Some(format!("; {name} is {value}"))
    });
    values.collect()
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
