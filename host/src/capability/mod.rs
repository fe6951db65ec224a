//! Power over the file system, as values.
//!
//! Owning a [`SourceTree`] is the permission to read below one directory; it has no method that writes. Owning an
//! [`OutputTree`] is the permission to add names below one fresh directory; it has no method that opens an
//! existing name for writing. That is how the promise is kept that a file of the source is never touched:
//! a placed file *is* the source's file, under one more name.
//!
//! A [`Wall`] makes the kernel see to the same, whatever becomes of this process.
//!
//! Nothing here knows what the files mean, and nothing here knows WebAssembly.

mod fault;
mod handles;
mod journal;
mod layer;
mod link;
mod merge;
mod open;
mod output_tree;
mod output_trees;
mod path;
mod retry;
mod source_tree;
mod wall;

pub use fault::Fault;
pub use journal::{FileTime, Identity, Journal, Sight, Witness, changed_of, read_sheet};
pub use link::{LinkMode, Method, Refusal};
pub use merge::{MergeError, merge};
pub(crate) use open::root as open_root;
pub use output_tree::{Occupied, OutputRoot, OutputTree, Placed, There, WriteError};
pub use output_trees::OutputTrees;
pub use path::{PathError, TreePath};
pub(crate) use retry::{retry, retry_io};
pub use source_tree::{
    Entry, FileKey, Looked, MAX_BLOB, MAX_FILE, PAGE, Page, ReadError, SourceFile, SourceTree,
};
pub use wall::{Grant, NoWall, Raised, Sandbox, Wall, WallError};
