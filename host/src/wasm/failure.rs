//! Failures of calls into components, told from wasmtime's errors.

use wasmtime::Trap;

use crate::error::{ComponentFailure, FailureKind};
use crate::text;
use crate::wasm::engine::limits::Limits;
use crate::wasm::instance::Starting;

/// The failure behind a call into `component` that ended with `error`.
pub(super) fn of_call(
    component: &str,
    error: &wasmtime::Error,
    limits: &Limits,
) -> ComponentFailure {
    let kind = match (limits.exceeded(error), error.downcast_ref::<Trap>()) {
        (Some(exceeded), _) => FailureKind::Limit(exceeded),
        (None, Some(trap)) => FailureKind::Trapped(explain(*trap).into()),
        (None, None) if error.downcast_ref::<Starting>().is_some() => {
            let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
            FailureKind::Start(text::visible(&causes.join(": ")).into_owned())
        }
        (None, None) => FailureKind::Trapped(text::visible(&format!("{error:#}")).into_owned()),
    };
    ComponentFailure::new(component, kind)
}

/// A trap in words that help the author of the component.
fn explain(trap: Trap) -> &'static str {
    match trap {
        Trap::StackOverflow => "its stack is used up (endless recursion?)",
        Trap::UnreachableCodeReached => {
            "it panicked or aborted; its last message, if any, is in the log above"
        }
        Trap::MemoryOutOfBounds => "it reached outside its memory (endless recursion?)",
        Trap::TableOutOfBounds => "it reached outside a table",
        Trap::IndirectCallToNull | Trap::BadSignature => "it called a function that does not exist",
        Trap::IntegerDivisionByZero => "it divided by zero",
        Trap::IntegerOverflow | Trap::BadConversionToInteger => "a number did not fit",
        Trap::Interrupt => "its time was up",
        Trap::CannotEnterComponent => "it was called again after it had crashed",
        _ => "it did something that WebAssembly does not allow",
    }
}
