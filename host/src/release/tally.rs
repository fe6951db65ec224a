//! Files of an output, counted by how they were made.

use crate::fs::Method;

/// Files that were made in an output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files that are hard links into the source.
    pub linked: u64,
    /// Files that share blocks with the source.
    pub reflinked: u64,
    /// Files that are copies.
    pub copied: u64,
    /// Files that were written: links of the storage format, indexes, new manifests.
    pub written: u64,
    /// Bytes of the files that were copied or written.
    pub bytes_written: u64,
}

impl Tally {
    /// Counts a file of the source that got a name in the output.
    pub fn placed(&mut self, method: Method, size: u64) {
        match method {
            Method::Hard => self.linked += 1,
            Method::Reflink => self.reflinked += 1,
            Method::Copy => {
                self.copied += 1;
                self.bytes_written += size;
            }
        }
    }

    /// Counts a file that was written.
    pub fn wrote(&mut self, size: usize) {
        self.written += 1;
        self.bytes_written += size as u64;
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.linked += other.linked;
        self.reflinked += other.reflinked;
        self.copied += other.copied;
        self.written += other.written;
        self.bytes_written += other.bytes_written;
    }
}
