//! The progress bar. Shown on a terminal only, so that the log of a pipeline stays readable.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text;

/// A progress bar, or nothing.
#[derive(Clone)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar if standard error is a terminal and the user wants one.
    pub fn new(wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        Self { bar: Some(bar) }
    }

    /// No bar, for tests and library use.
    pub fn hidden() -> Self {
        Self { bar: None }
    }

    /// Begins a stage of `length` images.
    pub fn stage(&self, name: &'static str, length: usize) {
        self.begin(name, length as u64, "{msg:10} {wide_bar} {pos}/{len} {eta}");
    }

    /// Begins a stage of `length` bytes.
    pub fn bytes(&self, name: &'static str, length: u64) {
        self.begin(
            name,
            length,
            "{msg:10} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
        );
    }

    fn begin(&self, name: &'static str, length: u64, template: &str) {
        let Some(bar) = &self.bar else { return };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.reset();
        bar.set_length(length);
        bar.set_message(name);
        // Not earlier: it starts a thread, which the Landlock sandbox would not bind.
        bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// Adds to what is done.
    pub fn advance(&self, by: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(by);
        }
    }

    /// Prints a line above the bar.
    pub fn message(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| text::say(line)),
            None => text::say(line),
        }
    }

    /// Removes the bar.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
