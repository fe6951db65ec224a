//! Standard output and errors of a guest, as lines of its log.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::sync;
use crate::wasm::engine::limits::MAX_LOG_LINE;
use crate::wasm::imports::log::{GuestLog, LogLevel};

/// A stream whose lines become log messages.
#[derive(Clone)]
pub(super) struct LogStream {
    shared: Arc<Mutex<Lines>>,
}

struct Lines {
    log: GuestLog,
    level: LogLevel,
    /// A line that has not ended yet.
    open: Vec<u8>,
}

impl LogStream {
    pub(super) fn new(log: GuestLog, level: LogLevel) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Lines {
                log,
                level,
                open: Vec::new(),
            })),
        }
    }
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.open.extend_from_slice(part);
            if part.ends_with(b"\n") || self.open.len() > MAX_LOG_LINE {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        let line = std::mem::take(&mut self.open);
        self.log.write(self.level, &String::from_utf8_lossy(&line));
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.open.is_empty() {
            self.end();
        }
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this one, and it is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        sync::lock(&self.shared).push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}
