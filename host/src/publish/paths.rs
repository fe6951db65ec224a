//! Paths of a run: source, outputs and report must not contain one another.

use std::path::{Path, PathBuf};

use super::parent_and_name;
use crate::error::Error;
use crate::fs::{OsError, retry_io};
use crate::spec::StorageSpec;

/// Makes sure that no output is inside the source, the source inside no output, and no output inside another one.
///
/// An output inside the source would be read while it is written, and the registry's garbage collector would take it for
/// its own; a source inside an output could be replaced with it.
pub fn check_outputs(source: &StorageSpec, outputs: &[StorageSpec]) -> Result<(), Error> {
    // A source that does not exist fails when it is opened.
    let Some(source_path) = real(&source.path)? else {
        return Ok(());
    };
    let mut known: Vec<(&StorageSpec, PathBuf)> = Vec::new();
    for output in outputs {
        let Some(path) = future(&output.path)? else {
            continue;
        };
        if overlap(&path, &source_path) {
            return Err(Error::Usage(format!(
                "the output {} and the source {} are inside of one another\n  hint: name an output beside the source",
                output.path.display(),
                source.path.display(),
            )));
        }
        if let Some((other, _)) = known.iter().find(|(_, known)| overlap(&path, known)) {
            return Err(Error::Usage(format!(
                "the outputs {other} and {output} are the same, or inside of one another"
            )));
        }
        known.push((output, path));
    }
    Ok(())
}

/// Makes sure that the report is in no output: no reader of the format expects it there, and it is opened before the output
/// exists.
pub fn check_report(report: &Path, outputs: &[StorageSpec]) -> Result<(), Error> {
    for output in outputs {
        let inside = match (future(report)?, future(&output.path)?) {
            (Some(report), Some(output)) => report.starts_with(output),
            // The missing folder may be the output.
            _ => report.starts_with(&output.path),
        };
        if inside {
            return Err(Error::Usage(format!(
                "--report points inside the output {output}\n  hint: name a file beside it"
            )));
        }
    }
    Ok(())
}

fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// The real path of a file that may not exist yet. `None`: its folder does not exist.
fn future(path: &Path) -> Result<Option<PathBuf>, Error> {
    let Ok((folder, name)) = parent_and_name(path) else {
        return Ok(None);
    };
    Ok(real(&folder)?.map(|folder| folder.join(name)))
}

/// The path without symbolic links; `None` if nothing is there.
fn real(path: &Path) -> Result<Option<PathBuf>, Error> {
    match retry_io(|| std::fs::canonicalize(path)) {
        Ok(real) => Ok(Some(real)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let error = OsError::from_io("readlink", path.display().to_string(), &error);
            Err(Error::system("resolve a path")(error))
        }
    }
}
