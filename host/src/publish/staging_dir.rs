//! A directory beside an output in which it, or a part of it, is built.

use std::path::Path;
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::Mode;
use rustix::io::Errno;

use super::leftovers::remove;
use super::lock::lock;
use super::names::{staging_name, staging_prefix};
use crate::error::{Error, SystemContext as _};
use crate::fs::{OsError, OsResultExt as _, OutputRoot, retry};

/// How often another name is tried. A run that removes leftovers may take a new directory for one in the moment between
/// its making and its locking, so the second time nearly always succeeds.
const ATTEMPTS: usize = 100;

/// A staging directory, locked.
pub(super) struct StagingDir {
    /// Its name beside the output.
    pub(super) name: String,
    pub(super) root: Arc<OutputRoot>,
}

impl StagingDir {
    /// Makes a directory for the output `name` in `parent`. `parent_path` is for messages.
    pub(super) fn make(parent: &Dir, parent_path: &Path, name: &str) -> Result<Self, Error> {
        let made = Self::try_names(parent, name).map_err(|error| {
            let path = parent_path.join(&error.path);
            let error = error.with_path(path.display().to_string());
            error.explain_enospc(parent)
        });
        let output = parent_path.join(name);
        made.context(format_args!(
            "make a staging directory for {}",
            output.display()
        ))
    }

    /// Makes and locks a directory with the first name that is free. The path in an error is that name.
    fn try_names(parent: &Dir, output: &str) -> Result<Self, OsError> {
        for _ in 0..ATTEMPTS {
            let name = staging_name(output);
            // Accessible to this user only, until it is published.
            match retry(|| rustix::fs::mkdirat(parent, &name, Mode::RWXU)) {
                Ok(()) => {}
                Err(Errno::EXIST) => continue,
                Err(errno) => return Err(errno).during("mkdirat", name),
            }
            match lock(parent, &name) {
                Ok(Some(dir)) => {
                    let root = Arc::new(OutputRoot::new(Dir::from_std_file(dir.into())));
                    return Ok(Self { name, root });
                }
                // Another run has taken it for a leftover. Two that remove the same do not disturb each other.
                Ok(None) => {
                    let _ = remove(parent, &name);
                }
                Err(error) => {
                    let _ = remove(parent, &name);
                    return Err(error);
                }
            }
        }
        Err(Errno::EXIST).during("mkdirat", staging_prefix(output))
    }

    /// The directory.
    pub(super) fn dir(&self) -> &Dir {
        self.root.dir()
    }
}
