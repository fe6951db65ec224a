//! Access to the file system, as values.
//!
//! Owning a [`SourceTree`] is the permission to read below one directory; it has no method that writes. Owning an
//! [`OutputTree`] is the permission to add names below one fresh directory; it has no method that opens an
//! existing name for writing. That keeps the promise that a file of the source is never touched: a placed file *is* the
//! source's file, under one more name. The [`landlock`] sandbox makes the kernel enforce the same.
//!
//! ```text
//!  source   output, target   landlock/     reading a tree; adding names to a tree; two trees for one output
//!      │        │               │
//!  list   link, link_hint   overlayfs      listing; hard link, reflink, copy and why they are refused
//!      │        │
//!  dir_cache   file_info   open            directories kept open; which file it is; paths opened beneath a root
//!      │
//!  path   os_error   retry                 checked relative paths; failed system calls
//! ```
//!
//! Nothing here knows what the files mean, and nothing here knows WebAssembly.
//!
//! # cap-std and rustix
//!
//! The roots are [`cap_std::fs::Dir`] values: a directory handle that stands for the permission to use what is below it.
//! cap-std also lists and removes staging directories (`Dir::entries`, `Dir::remove_dir_all`). Everything else goes to
//! the system through rustix with such a handle, because cap-std does not offer the call that the promise rests on:
//!
//! | system call | use |
//! |---|---|
//! | `openat2` with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS` | the kernel refuses a path that leaves the tree or follows a link, in one call |
//! | `open` with `O_PATH` | a handle that names a file and can neither read nor write it |
//! | `linkat` by handle | the link is made of the file that was checked, not of what has its name by then |
//! | `renameat2` with `RENAME_NOREPLACE`, `RENAME_EXCHANGE` | a name is taken or exchanged in one step |
//! | `ioctl(FICLONE)`, `copy_file_range`, `statx`, `syncfs`, `flock`, `getdents64` | reflinks, copies, mounts, durability, locks, listings |

mod dir_cache;
mod file_info;
pub mod landlock;
mod link;
mod link_hint;
mod list;
mod open;
mod os_error;
mod output;
mod overlayfs;
mod path;
mod read_error;
mod retry;
mod sink;
mod source;
mod target;

pub(crate) use file_info::is_same_inode;
pub use file_info::{FileInfo, FileKey, SourceFile};
pub use landlock::{Access, Enforced, LandlockError, OutputTrees, Ruleset, Sandbox, Unavailable};
pub use landlock::{MergeError, SplitOutput, merge};
pub use link::{LinkMode, Method};
pub use link_hint::Refusal;
pub use list::{Entry, PAGE, Page};
pub(crate) use open::root as open_root;
pub use os_error::{OsError, OsResultExt};
pub use output::{OutputRoot, OutputTree};
pub use path::{PathError, TreePath};
pub use read_error::ReadError;
pub(crate) use retry::{retry, retry_io};
pub use sink::{Occupied, OutputSink, Placed, WriteError};
pub use source::{MAX_BLOB, MAX_FILE, SourceTree};
