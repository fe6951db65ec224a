//! Mistakes that can be found without any image.
//!
//! The language has no types before it runs. But names are known, and the types of the fields of an image never change. So
//! every part of the expression that stands on its own is evaluated on an image without any value, also parts that a
//! run might never come to.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use cel::common::types::{CelBool, Type};
use cel::{ExecutionError, IdedExpr, Value};
use regcarve_policy_kit::policy::{Diagnostics, Image};

use crate::compile::{PATH, children, locate};
use crate::facts::{FIELDS, Facts};
use crate::values::IMAGE;
use crate::{Program, functions};

/// Adds the mistakes in an expression to `wrong`; returns its uses of fields of `image`, by name.
pub(crate) fn check(
    program: &Program,
    source: &str,
    wrong: &mut Diagnostics,
) -> Vec<(String, IdedExpr)> {
    let nothing = Image {
        tag: None,
        digest: String::new(),
        media_type: String::new(),
        size: 0,
        platforms: Vec::new(),
    };
    let facts = Facts::nothing(&nothing);
    let mut check = Check {
        program,
        source,
        facts: &facts,
        wrong,
        field_uses: Vec::new(),
        bound: Vec::new(),
    };
    let good = check.part(&program.expression);
    let field_uses = std::mem::take(&mut check.field_uses);
    if good.is_some() {
        check.result();
    }
    field_uses
}

struct Check<'a> {
    program: &'a Program,
    source: &'a str,
    facts: &'a Facts<'a>,
    wrong: &'a mut Diagnostics,
    field_uses: Vec<(String, IdedExpr)>,
    /// Variables of macros around this place.
    bound: Vec<&'a str>,
}

/// The result for a part without mistakes: true if it stands on its own, without variables of macros around it.
type Good = Option<bool>;

impl<'a> Check<'a> {
    fn note(&mut self, at: &str, text: &str) -> Good {
        let place = locate(self.source, at);
        self.wrong.note(PATH, format!("{place}{text}"));
        None
    }

    fn part(&mut self, part: &'a IdedExpr) -> Good {
        if let Some(name) = field_use(part)
            && !self.field_uses.iter().any(|(known, _)| *known == name)
        {
            self.field_uses.push((name, part.clone()));
        }
        match &part.expr {
            Expr::Ident(name) if self.bound.contains(&name.as_str()) => return Some(false),
            Expr::Ident(name) => return self.name(name),
            Expr::Literal(_) => return Some(true),
            Expr::Select(select) => {
                if let Expr::Ident(name) = &select.operand.expr
                    && name == IMAGE
                    && !self.bound.contains(&IMAGE)
                {
                    return self.field(&select.field);
                }
                if let Some(key) = dotted(part) {
                    let text = format!("a key with a dot in it is written `{key}`");
                    return self.note(&select.field, &text);
                }
            }
            Expr::Call(call) => {
                if let Some(field) = presence(call) {
                    return self.field(field);
                }
                self.function(call)?;
            }
            Expr::Comprehension(each) => return self.comprehension(part, each),
            Expr::Struct(new) => {
                let text = format!("there is no type `{}`", new.type_name);
                return self.note(&new.type_name, &text);
            }
            Expr::List(_) | Expr::Map(_) | Expr::Unspecified => {}
        }
        let parts: Vec<Good> = children(part)
            .into_iter()
            .map(|one| self.part(one))
            .collect();
        let good = parts
            .into_iter()
            .try_fold(true, |all, one| Some(all && one?))?;
        self.try_out(part, good)
    }

    /// A name that stands alone.
    fn name(&mut self, name: &'a str) -> Good {
        if name == IMAGE {
            let text = format!("`image` is not a value; it has {}", FIELDS.join(", "));
            return self.note(name, &text);
        }
        if self.program.env.types().find_type(name).is_some() {
            return Some(true);
        }
        let hint = match FIELDS.contains(&name) {
            true => format!("; write `image.{name}`"),
            false => "; all names start with `image`".into(),
        };
        self.note(name, &format!("there is no name `{name}`{hint}"))
    }

    fn field(&mut self, field: &'a str) -> Good {
        if FIELDS.contains(&field) {
            return Some(true);
        }
        let text = format!("`image` has no `{field}`; it has {}", FIELDS.join(", "));
        self.note(field, &text)
    }

    fn function(&mut self, call: &'a CallExpr) -> Option<()> {
        let name = call.func_name.as_str();
        let operator = !name.starts_with(|first: char| first.is_ascii_alphabetic());
        if !operator && !functions::NAMES.contains(&name) {
            let known = functions::NAMES.join(", ");
            self.note(
                name,
                &format!("there is no function `{name}`; there are {known}"),
            )?;
        }
        if name == "matches"
            && let Some(Expr::Literal(LiteralValue::String(pattern))) =
                call.args.last().map(|last| &last.expr)
            && let Err(error) = functions::pattern(pattern.inner())
        {
            let text = format!("`{}`: {error}", pattern.inner());
            self.note(name, &text)?;
        }
        Some(())
    }

    fn comprehension(&mut self, part: &'a IdedExpr, each: &'a ComprehensionExpr) -> Good {
        let range = self.part(&each.iter_range)?;
        let outside = self.bound.len();
        self.bound.push(&each.iter_var);
        self.bound.push(&each.accu_var);
        self.bound.extend(each.iter_var2.as_deref());
        let inner = [
            &each.accu_init,
            &each.loop_cond,
            &each.loop_step,
            &each.result,
        ];
        let inner = inner.map(|one| self.part(one));
        self.bound.truncate(outside);
        inner.into_iter().try_fold((), |(), one| one.map(|_| ()))?;
        // It may use variables of macros further out, which is not worth finding out.
        self.try_out(part, range && self.bound.is_empty())
    }

    /// Evaluates a part that stands on its own.
    fn try_out(&mut self, part: &'a IdedExpr, alone: bool) -> Good {
        if !alone {
            return Some(false);
        }
        let context = self.facts.context(self.program);
        let Err(error) = Value::resolve_val(part, &context) else {
            return Some(true);
        };
        let literal = matches!(&part.expr, Expr::Call(call) if is_literal(call));
        match error {
            ExecutionError::NoSuchOverload(error) => {
                let name = error.function().trim_matches(['_', '@']).to_owned();
                let name = if name == "." {
                    "selecting".into()
                } else {
                    name
                };
                let types = error.argument_types().join(" and ");
                let text = format!("`{name}` cannot be done with {types}");
                self.note(&name, &text)
            }
            ExecutionError::UnexpectedType { .. }
            | ExecutionError::UndeclaredReference(_)
            | ExecutionError::UnsupportedKeyType(_) => self.note("", &error.to_string()),
            // Other values may do, if there can be others.
            _ if literal => {
                let at = match &part.expr {
                    Expr::Call(call) => call.func_name.trim_matches('_').to_owned(),
                    _ => String::new(),
                };
                self.note(&at, &message(&error))
            }
            _ => Some(true),
        }
    }

    /// Checks that the result of the whole is true or false.
    fn result(&mut self) {
        let context = self.facts.context(self.program);
        let Ok(result) = Value::resolve_val(&self.program.expression, &context) else {
            return;
        };
        if result.downcast_ref::<CelBool>().is_none() {
            let kind: &Type = result.get_type();
            let text = format!("it gives a {}; it has to give true or false", kind.name());
            self.note("", &text);
        }
    }
}

/// An error in words for people.
pub(crate) fn message(error: &ExecutionError) -> String {
    match error {
        ExecutionError::FunctionError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

/// The field that `has(image.field)` asks for.
fn presence(call: &CallExpr) -> Option<&str> {
    let [field, of] = call.args.as_slice() else {
        return None;
    };
    match (&field.expr, &of.expr) {
        (Expr::Literal(LiteralValue::String(field)), Expr::Ident(of))
            if call.func_name == operators::IN && of == IMAGE =>
        {
            Some(field.inner())
        }
        _ => None,
    }
}

fn is_literal(call: &CallExpr) -> bool {
    let mut parts = call.target.as_deref().into_iter().chain(&call.args);
    parts.all(|part| matches!(part.expr, Expr::Literal(_)))
}

/// The field of an image that an expression uses, as it is written: `image.tag`, `image.labels.tier`, `image.labels["a.b"]`.
fn field_use(part: &IdedExpr) -> Option<String> {
    match &part.expr {
        Expr::Select(select) => {
            let above = match &select.operand.expr {
                Expr::Ident(name) if name == IMAGE => IMAGE.into(),
                _ => field_use(&select.operand)?,
            };
            Some(format!("{above}.{}", select.field))
        }
        Expr::Call(call) if call.func_name == operators::INDEX => {
            let [of, key] = call.args.as_slice() else {
                return None;
            };
            match &key.expr {
                Expr::Literal(LiteralValue::String(key)) => {
                    Some(format!("{}[{:?}]", field_use(of)?, key.inner()))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// `image.labels.a.b`, as it has to be written: texts have no members, so that a key with a dot is meant.
fn dotted(part: &IdedExpr) -> Option<String> {
    let name = field_use(part)?;
    let mut steps = name.splitn(3, '.');
    let (image, field, key) = (steps.next()?, steps.next()?, steps.next()?);
    let map = field == "labels" || field == "annotations";
    (map && key.contains('.') && !name.contains('[')).then(|| format!("{image}.{field}[\"{key}\"]"))
}
