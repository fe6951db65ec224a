//! Files of a closure, looked at without the host's help.

use crate::raw::Failure;
use crate::raw::{Damage, LocatedEntry, source};

use crate::cause;

/// What is wrong with the files of an image that the host is not asked to look at: absent, or of another size.
pub fn wrong_files(contents: &[LocatedEntry]) -> Vec<Damage> {
    let wrong = |located: &LocatedEntry| {
        let content = &located.entry;
        match source::file_size(&located.path) {
            Ok(size) if size == content.size => None,
            Ok(size) => Some(format!(
                "has {size} bytes; the manifest that names {} says {}",
                content.digest, content.size
            )),
            Err(Failure::NotFound) if located.optional => None,
            Err(Failure::NotFound) => Some(format!(
                "there is no such file; it should hold {}",
                content.digest
            )),
            Err(failure) => Some(cause(failure)),
        }
    };
    contents
        .iter()
        .filter_map(|located| {
            Some(Damage {
                cause: wrong(located)?,
                path: located.path.clone(),
            })
        })
        .collect()
}
