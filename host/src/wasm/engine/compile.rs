//! Compilation of components, within limits.
//!
//! The compiler itself has no limits: a component that was made for it can cost any time and memory, and
//! nothing can stop it from outside. So it works in a thread of its own, and this one waits for its result only so
//! long. An abandoned compiler goes on until the process ends, which is soon: a component that cannot be compiled
//! ends the run.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use wasmtime::component::Component;

use crate::error::{FailureKind, LimitExceeded};
use crate::signals;
use crate::wasm::{Engine, Limits};

/// Time between two looks at what the compiler has used up. Memory can grow by some ten MiB in that time.
const INTERVAL: Duration = Duration::from_millis(10);

/// The stack of the compiler; the main thread has as much.
const STACK: usize = 8 << 20;

/// Compiles a component.
pub(in crate::wasm) fn compile(engine: &Engine, bytes: Vec<u8>) -> Result<Component, FailureKind> {
    let inner = engine.inner.clone();
    let before = resident();
    let began = Instant::now();
    let (done, result) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("compiler".into())
        .stack_size(STACK)
        .spawn(move || {
            // The compiler's own threads end with it: none must exist when Landlock restricts the process.
            let compile = || Component::from_binary(&inner, &bytes);
            let compiled = rayon::ThreadPoolBuilder::new()
                .build_scoped(|thread| thread.run(), |pool| pool.install(compile));
            // Nothing receives it if the compiler was abandoned.
            let _ = done.send(compiled);
        })
        .map_err(|error| no_threads(&error))?;
    loop {
        match result.recv_timeout(INTERVAL) {
            Ok(compiled) => {
                // So does this one.
                let _ = thread.join();
                return compiled
                    .map_err(|error| no_threads(&error))?
                    .map_err(|error| FailureKind::Invalid(format!("{error:#}")));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(FailureKind::Invalid("the compiler crashed on it".into()));
            }
            Err(RecvTimeoutError::Timeout) => {
                let grown = resident().saturating_sub(before);
                if let Some(exceeded) = exceeded(&engine.limits, began.elapsed(), grown) {
                    return Err(FailureKind::Limit(exceeded));
                }
                if let Some(number) = signals::caught() {
                    return Err(FailureKind::Interrupted(number));
                }
            }
        }
    }
}

fn no_threads(error: &dyn std::error::Error) -> FailureKind {
    FailureKind::Start(format!("cannot start threads to compile it: {error}"))
}

/// The limit that a compiler has exceeded.
fn exceeded(limits: &Limits, time: Duration, memory: usize) -> Option<LimitExceeded> {
    if time > limits.compile_time {
        Some(LimitExceeded::CompileTime(limits.compile_time))
    } else if memory > limits.compile_memory {
        Some(LimitExceeded::CompileMemory(limits.compile_memory))
    } else {
        None
    }
}

/// Resident memory of this process in bytes; 0 where the system does not tell.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
        .map_or(0, |kibibytes: usize| kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LimitExceeded, Limits, exceeded, resident};

    #[test]
    fn limits_of_the_compiler() {
        let limits = Limits {
            compile_time: Duration::from_secs(2),
            compile_memory: 1000,
            ..Limits::default()
        };
        assert!(exceeded(&limits, Duration::from_secs(2), 1000).is_none());
        let time = exceeded(&limits, Duration::from_millis(2001), 0);
        assert!(matches!(time, Some(LimitExceeded::CompileTime(limit)) if limit.as_secs() == 2));
        let memory = exceeded(&limits, Duration::ZERO, 1001);
        assert!(matches!(memory, Some(LimitExceeded::CompileMemory(1000))));
    }

    #[test]
    fn the_system_tells_the_resident_memory() {
        let before = resident();
        assert!(before > 0);
        let hoard = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(resident() > before + (32 << 20));
        drop(hoard);
    }
}
