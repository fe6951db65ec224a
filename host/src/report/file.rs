//! The file of `run --report`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::run::Report;
use crate::error::{Error, SystemContext as _};
use crate::fs::OsResultExt as _;

/// The place of a report. It is opened before anything else is done, since Landlock forbids it later.
pub enum ReportFile {
    /// No report is asked for.
    None,
    /// Standard output.
    Standard,
    /// A file.
    Named(PathBuf, File),
}

impl ReportFile {
    /// Opens the file, and keeps its old bytes until there are new ones.
    pub fn open(path: Option<&Path>) -> Result<Self, Error> {
        let path = match path {
            None => return Ok(Self::None),
            Some(path) if path == "-" => return Ok(Self::Standard),
            Some(path) => path,
        };
        let mut options = File::options();
        let opened = options.write(true).create(true).truncate(false).open(path);
        let file = opened
            .during("open", path.display())
            .context("write the report")?;
        Ok(Self::Named(path.into(), file))
    }

    /// Writes the report.
    pub fn write(self, report: &Report) -> Result<(), Error> {
        let (path, mut file) = match self {
            Self::None => return Ok(()),
            Self::Standard => return super::print(&json(report)?),
            Self::Named(path, file) => (path, file),
        };
        let json = json(report)? + "\n";
        let failed = |call, result: io::Result<()>| {
            result
                .during(call, path.display())
                .context("write the report")
        };
        // A pipe cannot be cut, and need not be.
        if file.metadata().is_ok_and(|file| file.is_file()) {
            failed("ftruncate", file.set_len(0))?;
        }
        failed("write", file.write_all(json.as_bytes()))
    }
}

/// A report as JSON.
pub fn json(report: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(report).map_err(|error| Error::Internal(error.to_string()))
}
