//! Proof that a tree is what it was.
//!
//! For every name: type, mode, owner, group, size, time of change, inode, content, extended
//! attributes. Not the inode's change time and not its number of names: both must change when
//! a hard link is made, that is what a carve does.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// Room for the names of all extended attributes of one file, and for the value of one:
/// the kernel's own limit for either.
const XATTR_LIMIT: usize = 65_536;

/// How many differences a message shows before it only counts.
const SHOWN: usize = 40;

/// The state of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kind: &'static str,
    mode: u32,
    uid: u32,
    gid: u32,
    /// Zero for folders: a file system may change it as it likes.
    size: u64,
    mtime: (i64, i64),
    inode: (u64, u64),
    /// Hash of a file's bytes, target of a symlink, nothing for the rest.
    content: String,
    xattrs: Vec<(String, Vec<u8>)>,
}

/// A tree at one moment.
#[derive(Debug)]
pub struct Snapshot {
    root: PathBuf,
    entries: BTreeMap<PathBuf, Entry>,
}

impl Snapshot {
    /// Looks at everything below a path, and at the path itself.
    pub fn take(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let mut entries = BTreeMap::new();
        let mut hashes = HashMap::new();
        let mut waiting = vec![root.clone()];
        while let Some(path) = waiting.pop() {
            let meta = path
                .symlink_metadata()
                .unwrap_or_else(|error| panic!("cannot look at {}: {error}", path.display()));
            if meta.is_dir() {
                for entry in fs::read_dir(&path).expect("list a folder") {
                    waiting.push(entry.expect("read a folder").path());
                }
            }
            let name = path.strip_prefix(&root).expect("below the root").to_owned();
            entries.insert(name, Entry::of(&path, &meta, &mut hashes));
        }
        Self { root, entries }
    }

    /// A snapshot of this tree as it is now.
    pub fn again(&self) -> Self {
        Self::take(&self.root)
    }

    /// How many names there are, the root included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// A snapshot always holds its root.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// One line for each difference, none when both are the same.
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, entry) in &self.entries {
            match after.entries.get(name) {
                None => lines.push(format!("gone:    {}", name.display())),
                Some(now) if now != entry => {
                    lines.push(format!(
                        "changed: {}: {}",
                        name.display(),
                        entry.changes(now)
                    ));
                }
                Some(_) => {}
            }
        }
        for name in after.entries.keys() {
            if !self.entries.contains_key(name) {
                lines.push(format!("new:     {}", name.display()));
            }
        }
        lines
    }
}

/// Fails with a readable list when the second snapshot differs from the first.
#[track_caller]
pub fn assert_same(before: &Snapshot, after: &Snapshot) {
    let lines = before.differences(after);
    if lines.is_empty() {
        return;
    }
    let mut text = format!(
        "{} changed, {} differences:\n",
        before.root.display(),
        lines.len()
    );
    for line in lines.iter().take(SHOWN) {
        let _ = writeln!(text, "  {line}");
    }
    if lines.len() > SHOWN {
        let _ = writeln!(text, "  … and {} more", lines.len() - SHOWN);
    }
    panic!("{text}");
}

impl Entry {
    fn of(path: &Path, meta: &Metadata, hashes: &mut HashMap<(u64, u64), String>) -> Self {
        let inode = (meta.dev(), meta.ino());
        let content = if meta.is_file() {
            // Trees full of hard links hold few different inodes: hash each once.
            hashes.entry(inode).or_insert_with(|| hash(path)).clone()
        } else if meta.is_symlink() {
            fs::read_link(path)
                .expect("read a symlink")
                .display()
                .to_string()
        } else {
            String::new()
        };
        Self {
            kind: kind(meta),
            mode: meta.mode(),
            uid: meta.uid(),
            gid: meta.gid(),
            size: if meta.is_dir() { 0 } else { meta.size() },
            mtime: (meta.mtime(), meta.mtime_nsec()),
            inode,
            content,
            xattrs: xattrs(path),
        }
    }

    fn changes(&self, now: &Self) -> String {
        let mut parts = Vec::new();
        let mut part = |what: &str, same: bool, old: String, new: String| {
            if !same {
                parts.push(format!("{what} {old} → {new}"));
            }
        };
        part(
            "type",
            self.kind == now.kind,
            self.kind.into(),
            now.kind.into(),
        );
        part(
            "mode",
            self.mode == now.mode,
            format!("{:o}", self.mode),
            format!("{:o}", now.mode),
        );
        let (old, new) = ((self.uid, self.gid), (now.uid, now.gid));
        part("owner", old == new, format!("{old:?}"), format!("{new:?}"));
        let (old, new) = (self.size, now.size);
        part("size", old == new, old.to_string(), new.to_string());
        let (old, new) = (self.mtime, now.mtime);
        part("mtime", old == new, format!("{old:?}"), format!("{new:?}"));
        let (old, new) = (self.inode, now.inode);
        part("inode", old == new, format!("{old:?}"), format!("{new:?}"));
        let (old, new) = (&self.content, &now.content);
        part("content", old == new, old.clone(), new.clone());
        let (old, new) = (&self.xattrs, &now.xattrs);
        part("xattrs", old == new, format!("{old:?}"), format!("{new:?}"));
        parts.join(", ")
    }
}

fn kind(meta: &Metadata) -> &'static str {
    let kind = meta.file_type();
    match () {
        () if kind.is_file() => "file",
        () if kind.is_dir() => "folder",
        () if kind.is_symlink() => "symlink",
        () if kind.is_fifo() => "fifo",
        () if kind.is_socket() => "socket",
        () => "device",
    }
}

fn hash(path: &Path) -> String {
    struct Into(Sha256);
    impl io::Write for Into {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut into = Into(Sha256::new());
    File::open(path)
        .and_then(|mut file| io::copy(&mut file, &mut into))
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    HEXLOWER.encode(&into.0.finalize())
}

fn xattrs(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut names = vec![0; XATTR_LIMIT];
    // A file system without extended attributes has none to change.
    let Ok(length) = rustix::fs::llistxattr(path, &mut names) else {
        return Vec::new();
    };
    let mut found: Vec<_> = names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let name = String::from_utf8_lossy(name).into_owned();
            let mut value = vec![0; XATTR_LIMIT];
            let length = rustix::fs::lgetxattr(path, name.as_str(), &mut value).unwrap_or(0);
            value.truncate(length);
            (name, value)
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hard_link_is_no_change_and_a_write_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("sub/data"), "bytes").unwrap();
        let before = Snapshot::take(&root);
        fs::hard_link(root.join("sub/data"), folder.path().join("linked")).unwrap();
        assert_same(&before, &Snapshot::take(&root));

        fs::write(folder.path().join("linked"), "other").unwrap();
        fs::write(root.join("sub/more"), "").unwrap();
        let lines = before.differences(&Snapshot::take(&root)).join("\n");
        assert!(lines.contains("changed: sub/data: "), "{lines}");
        assert!(lines.contains("content"), "{lines}");
        assert!(lines.contains("new:     sub/more"), "{lines}");
    }
}
