//! Reads folder trees, to compare what two ways of carving made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The kind of a path of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Directory,
    /// A regular file.
    File,
}

/// Every path below `root`, relative and with `/` between its parts, parents before children.
pub fn entries(root: &Path) -> Result<BTreeMap<String, Kind>> {
    let mut found = BTreeMap::new();
    collect(root, "", &mut found)?;
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Kind>) -> Result<()> {
    let reading = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            bail!("{} is not UTF-8", entry.path().display());
        };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().with_context(reading)?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found)?;
            found.insert(path, Kind::Directory);
        } else if kind.is_file() {
            found.insert(path, Kind::File);
        } else {
            bail!("{} is neither folder nor file", entry.path().display());
        }
    }
    Ok(())
}

/// The differences between two trees, one line each; paths that `ignore` picks do not count.
///
/// Compared are the sets of paths, what each is, and the bytes of files.
pub fn differences(
    left: &Path,
    right: &Path,
    ignore: impl Fn(&str) -> bool,
) -> Result<Vec<String>> {
    let (ours, theirs) = (entries(left)?, entries(right)?);
    let mut lines = Vec::new();
    for (path, kind) in ours.iter().filter(|(path, _)| !ignore(path)) {
        match theirs.get(path) {
            None => lines.push(format!("only left: {path}")),
            Some(other) if other != kind => lines.push(format!("another kind: {path}")),
            Some(Kind::Directory) => {}
            Some(Kind::File) => {
                if read(&left.join(path))? != read(&right.join(path))? {
                    lines.push(format!("other bytes: {path}"));
                }
            }
        }
    }
    for path in theirs.keys().filter(|path| !ignore(path)) {
        if !ours.contains_key(path) {
            lines.push(format!("only right: {path}"));
        }
    }
    Ok(lines)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_difference_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (left, right) = (folder.path().join("left"), folder.path().join("right"));
        for (root, file) in [(&left, "x"), (&right, "y")] {
            fs::create_dir_all(root.join("same/_uploads")).unwrap();
            fs::write(root.join("bytes"), file).unwrap();
        }
        fs::write(left.join("kind"), "").unwrap();
        fs::create_dir(right.join("kind")).unwrap();
        fs::write(left.join("same/_uploads/a"), "").unwrap();
        fs::write(right.join("extra"), "").unwrap();
        assert_eq!(
            differences(&left, &right, |path| path.contains("/_uploads")).unwrap(),
            [
                "other bytes: bytes",
                "another kind: kind",
                "only right: extra"
            ]
        );
    }
}
