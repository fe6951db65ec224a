//! The log of components.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::text;
use crate::wasm::bindings::log;
use crate::wasm::engine::limits::MAX_LOG_LINE;
use crate::wasm::state::State;

/// The weight of a message; in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// The component cannot do its work.
    Error,
    /// The person at the pipeline should look at this.
    Warn,
    /// Good to know.
    Info,
    /// For authors of components.
    Debug,
}

/// Takes a level, the name of the component and one line that is safe to print.
pub type LogSink = Arc<dyn Fn(LogLevel, &str, &str) + Send + Sync>;

impl log::Host for State {
    fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Error => LogLevel::Error,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Info => LogLevel::Info,
            log::Level::Debug => LogLevel::Debug,
        };
        self.host_call(|state| state.log.write(level, &message))
    }
}

/// The log of a component: makes text safe for a terminal and keeps to the limit. Clones share the limit: instances
/// that run at once, and their standard streams, cannot log more together than one alone.
#[derive(Clone)]
pub struct GuestLog {
    name: Arc<str>,
    sink: LogSink,
    left: Arc<AtomicUsize>,
}

impl GuestLog {
    /// A log for the component `name` that takes `limit` bytes in all, as they are printed.
    pub fn new(name: Arc<str>, sink: LogSink, limit: usize) -> Self {
        Self {
            name,
            sink,
            left: Arc::new(AtomicUsize::new(limit)),
        }
    }

    /// Passes a message on, line by line, until the limit; then notes once that the rest is left out.
    pub fn write(&self, level: LogLevel, message: &str) {
        for line in message.lines() {
            let shown = text::visible(text::start_of(line, MAX_LOG_LINE));
            // A line costs what it takes in the log, name and line end included.
            let cost = self.name.len() + shown.len() + 3;
            let Ok(left) = self.take(cost) else { return };
            (self.sink)(level, &self.name, &shown);
            if line.len() > MAX_LOG_LINE {
                (self.sink)(level, &self.name, "(the line above is cut)");
            }
            if left <= cost {
                (self.sink)(
                    LogLevel::Warn,
                    &self.name,
                    "(its log is full; the rest is left out)",
                );
            }
        }
    }

    /// Takes bytes off the limit; returns how many were left before, or an error if none were.
    fn take(&self, cost: usize) -> Result<usize, usize> {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left > 0).then(|| left.saturating_sub(cost))
            })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{GuestLog, LogLevel};

    #[test]
    fn what_is_printed_is_limited() {
        const LIMIT: usize = 10_000;
        for line in ["\n", ".\n", "\x1b\n", &"x".repeat(100_000)] {
            let printed = Arc::new(Mutex::new(String::new()));
            let sink = {
                let printed = Arc::clone(&printed);
                Arc::new(move |_, name: &str, line: &str| {
                    *printed.lock().unwrap() += &format!("{name}: {line}\n");
                })
            };
            let log = GuestLog::new("component".into(), sink, LIMIT);
            let other = log.clone();
            for _ in 0..10_000 {
                log.write(LogLevel::Info, line);
                other.write(LogLevel::Warn, line);
            }
            let printed = printed.lock().unwrap();
            // The last line may be over it, and the note comes on top.
            assert!(printed.len() < LIMIT + 10_000, "{}", printed.len());
            assert_eq!(printed.matches("the rest is left out").count(), 1);
        }
    }
}
