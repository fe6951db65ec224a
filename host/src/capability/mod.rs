//! Power over the file system, as values.
//!
//! Owning a [`SourceTree`] is the permission to read below one directory; it has no method that writes. Owning an
//! [`OutputTree`] is the permission to add names below one fresh directory; it has no method that opens an
//! existing name for writing. That is how the promise is kept that a file of the source is never touched:
//! a placed file *is* the source's file, under one more name.
//!
//! Nothing here knows what the files mean, and nothing here knows WebAssembly.

mod fault;
mod handles;
mod layer;
mod link;
mod open;
mod output_tree;
mod path;
mod retry;
mod source_tree;

pub use fault::Fault;
pub use link::{LinkMode, Method, Refusal};
pub(crate) use open::root as open_root;
pub use output_tree::{Occupied, OutputTree, Placed, WriteError};
pub use path::{PathError, TreePath};
pub(crate) use retry::{retry, retry_io};
pub use source_tree::{Entry, MAX_BLOB, MAX_FILE, PAGE, Page, ReadError, SourceTree};
