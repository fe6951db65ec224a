//! Makes a storage wrong, one thing at a time.
//!
//! Each function takes a path that [`Storage`](crate::storage::Storage) told.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Cuts a file to `length` bytes.
pub fn truncate(path: &Path, length: u64) {
    OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(length))
        .unwrap_or_else(|error| panic!("cannot truncate {}: {error}", path.display()));
}

/// Gives a file other content: a wrong link text, one with a newline, an empty one.
pub fn rewrite(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes)
        .unwrap_or_else(|error| panic!("cannot rewrite {}: {error}", path.display()));
}

/// Changes one byte in the middle of a file; its size stays.
pub fn flip(path: &Path) {
    let mut bytes = fs::read(path).expect("the file to damage");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    rewrite(path, bytes);
}

/// Removes a file or a whole folder.
pub fn remove(path: &Path) {
    let done = if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    done.unwrap_or_else(|error| panic!("cannot remove {}: {error}", path.display()));
}

/// Puts a symlink in place of a file or folder and keeps the content, moved to `aside`.
///
/// Everything still works for a reader that follows symlinks; one that must not has to notice.
pub fn symlink_in_place(path: &Path, aside: &Path) {
    fs::rename(path, aside).expect("move the content aside");
    symlink(aside, path).expect("put a symlink in its place");
}

/// Puts a folder in place of a file.
pub fn folder_in_place(path: &Path) {
    remove(path);
    fs::create_dir(path).expect("put a folder in its place");
}

/// Puts a FIFO in place of a file: a program that opens it without care waits for ever.
pub fn fifo_in_place(path: &Path) {
    remove(path);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .expect("put a FIFO in its place");
}

/// Adds a file that a running registry leaves for a moment: an upload, or a `*.tmp` beside a link.
pub fn stray(path: PathBuf, bytes: &[u8]) {
    let folder = path.parent().expect("a stray file has a folder");
    fs::create_dir_all(folder).expect("folder of a stray file");
    rewrite(&path, bytes);
}
