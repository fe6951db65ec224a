//! From text to a checked expression.

use std::sync::Arc;

use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::parser::PrattParser;
use cel::parser::pratt_parser::{Lexer, TokenKind};
use cel::{IdedExpr, ParseError};
use regcarve_policy_kit::policy::{Diagnostic, Diagnostics};

use crate::{Program, check, functions};

/// The longest expression; it bounds the time that checking takes. People write a line.
const MAX_LENGTH: usize = 16 << 10;

/// The largest depth of an expression. Long chains of `&&` and `||` are balanced and do not count.
const MAX_DEPTH: usize = 100;

/// The place of the expression in the settings.
pub(crate) const PATH: &str = "/expression";

/// Reads and checks an expression; an error has all its mistakes.
pub(crate) fn compile(source: &str) -> Result<Program, Vec<Diagnostic>> {
    if source.len() > MAX_LENGTH {
        let text = format!("{} bytes; {MAX_LENGTH} are allowed", source.len());
        return Err(vec![Diagnostic::new(PATH, text)]);
    }
    // Not the crate's first choice, which reads the tables of its grammar at each start and is twice the size. A test holds
    // both against each other.
    let parsed = PrattParser::new().parse(source);
    let mut expression = parsed.map_err(|wrong| {
        let errors = wrong.errors.iter();
        let diagnostics = errors.map(|error| Diagnostic::new(PATH, explain(error)));
        diagnostics.collect::<Vec<_>>()
    })?;
    if is_too_deep(&expression) {
        // To drop it would take a stack as deep. The policy ends here.
        std::mem::forget(expression);
        let text = format!("more than {MAX_DEPTH} parts stand in one another");
        return Err(vec![Diagnostic::new(PATH, text)]);
    }
    ask_for_presence(&mut expression);
    let mut program = Program {
        env: Arc::new(functions::environment()),
        expression,
        field_uses: Vec::new(),
    };
    let mut wrong = Diagnostics::new();
    program.field_uses = check::check(&program, source, &mut wrong);
    wrong.finish()?;
    Ok(program)
}

fn explain(error: &ParseError) -> String {
    let (line, column) = error.pos;
    let text = error.msg.trim_start_matches("Syntax error: ");
    format!("{}: {text}", place(line, column))
}

fn place(line: isize, column: isize) -> String {
    if line <= 1 {
        format!("column {column}")
    } else {
        format!("line {line}, column {column}")
    }
}

/// The position of a name or an operator, if it occurs once: `column 7: `.
pub(crate) fn locate(source: &str, text: &str) -> String {
    let mut lexer = Lexer::new(source);
    let mut found = None;
    loop {
        let token = lexer.lex();
        match token.kind {
            TokenKind::TokEnd | TokenKind::TokError => break,
            _ if source.get(token.start..token.end) != Some(text) => {}
            _ if found.is_some() => return String::new(),
            _ => found = Some(token.start),
        }
    }
    let Some(before) = found.and_then(|start| source.get(..start)) else {
        return String::new();
    };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let signed = |number: usize| isize::try_from(number).unwrap_or(isize::MAX);
    format!("{}: ", place(signed(line), signed(column)))
}

/// Returns true for an expression deeper than [`MAX_DEPTH`]. Without recursion, because the stack is what must be protected.
fn is_too_deep(expression: &IdedExpr) -> bool {
    let mut left = vec![(expression, 1)];
    while let Some((part, depth)) = left.pop() {
        if depth > MAX_DEPTH {
            return true;
        }
        left.extend(children(part).into_iter().map(|part| (part, depth + 1)));
    }
    false
}

/// Turns `has(a.b)` into `"b" in a`. The first asks whether `a.b` has a value, and for us everything has one.
fn ask_for_presence(expression: &mut IdedExpr) {
    for part in children_mut(expression) {
        ask_for_presence(part);
    }
    if let Expr::Select(select) = &mut expression.expr
        && select.test
    {
        let field = IdedExpr {
            id: expression.id,
            expr: Expr::Literal(LiteralValue::String(
                std::mem::take(&mut select.field).into(),
            )),
        };
        let operand = std::mem::take(&mut *select.operand);
        expression.expr = Expr::Call(CallExpr {
            func_name: operators::IN.into(),
            target: None,
            args: vec![field, operand],
        });
    }
}

/// The parts of an expression, in the order in which they are written.
pub(crate) fn children(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Comprehension(each) => vec![
            &each.iter_range,
            &each.accu_init,
            &each.loop_cond,
            &each.loop_step,
            &each.result,
        ],
        Expr::Map(map) => {
            let entries = map.entries.iter();
            entries
                .flat_map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
                    EntryExpr::StructField(field) => vec![&field.value],
                })
                .collect()
        }
        Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn children_mut(expression: &mut IdedExpr) -> Vec<&mut IdedExpr> {
    match &mut expression.expr {
        Expr::Call(call) => {
            let target = call.target.as_deref_mut();
            target.into_iter().chain(&mut call.args).collect()
        }
        Expr::Select(select) => vec![&mut select.operand],
        Expr::List(list) => list.elements.iter_mut().collect(),
        Expr::Comprehension(each) => {
            let each = &mut **each;
            vec![
                &mut each.iter_range,
                &mut each.accu_init,
                &mut each.loop_cond,
                &mut each.loop_step,
                &mut each.result,
            ]
        }
        Expr::Map(map) => {
            let entries = map.entries.iter_mut();
            entries
                .flat_map(|entry| match &mut entry.expr {
                    EntryExpr::MapEntry(entry) => vec![&mut entry.key, &mut entry.value],
                    EntryExpr::StructField(field) => vec![&mut field.value],
                })
                .collect()
        }
        Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}
