//! Capability over the file system, as values.
//!
//! Owning a [`SourceTree`] is the permission to read below one directory; it has no method that writes. Owning an
//! [`OutputTree`] is the permission to add names below one fresh directory; it has no method that opens an
//! existing name for writing. That is how the promise is kept that a file of the source is never touched:
//! a placed file *is* the source's file, under one more name.
//!
//! A [`Ruleset`] makes the kernel see to the same, whatever becomes of this process.
//!
//! Nothing here knows what the files mean, and nothing here knows WebAssembly.

mod dir_cache;
pub mod landlock;
mod link;
mod open;
mod os_error;
mod output;
mod overlayfs;
mod path;
mod retry;
mod source;

pub use self::landlock::merge_trees::{MergeError, merge};
pub use self::landlock::split_output::SplitOutput;
pub use self::landlock::{Access, Enforced, LandlockError, Ruleset, Sandbox, Unavailable};
pub use link::{LinkMode, Method, Refusal};
pub(crate) use open::root as open_root;
pub use os_error::{OsError, OsResultExt};
pub use output::{EntryKind, Occupied, OutputRoot, OutputTree, Placed, WriteError};
pub use path::{PathError, TreePath};
pub(crate) use retry::{retry, retry_io};
pub use source::{
    Entry, FileKey, Looked, MAX_BLOB, MAX_FILE, PAGE, Page, ReadError, SourceFile, SourceTree,
};
