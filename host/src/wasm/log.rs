//! What components say.

use std::sync::Arc;

use super::limits::MAX_LOG_LINE;
use crate::text;

/// How much a message matters; in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// The component cannot do its work.
    Error,
    /// Something the person at the pipeline should look at.
    Warn,
    /// Good to know.
    Info,
    /// For authors of components.
    Debug,
}

/// Takes a level, the name of the component and one line that is safe to print.
pub type LogSink = Arc<dyn Fn(LogLevel, &str, &str) + Send + Sync>;

/// The log of one instance: makes text harmless and holds the limits.
#[derive(Clone)]
pub struct GuestLog {
    name: Arc<str>,
    sink: LogSink,
    left: usize,
}

impl GuestLog {
    /// A log for the component `name` that takes `limit` bytes in all.
    pub fn new(name: Arc<str>, sink: LogSink, limit: usize) -> Self {
        Self {
            name,
            sink,
            left: limit,
        }
    }

    /// Passes a message on, line by line, until the limit; then says once that the rest is left out.
    pub fn write(&mut self, level: LogLevel, message: &str) {
        for line in message.lines() {
            if self.left == 0 {
                return;
            }
            let shown = text::visible(text::start_of(line, MAX_LOG_LINE));
            self.left = self.left.saturating_sub(line.len().min(MAX_LOG_LINE) + 1);
            (self.sink)(level, &self.name, &shown);
            if line.len() > MAX_LOG_LINE {
                (self.sink)(level, &self.name, "(the line above is cut)");
            }
            if self.left == 0 {
                (self.sink)(
                    LogLevel::Warn,
                    &self.name,
                    "(it says too much; the rest is left out)",
                );
            }
        }
    }
}
