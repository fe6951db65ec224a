//! The Landlock sandbox: what the kernel still lets this process do once it is restricted.
//!
//! The types beside this folder decide what a run touches. Should a component break out of its own sandbox, or should a
//! defect lead one of these types astray, Landlock is the second line: the kernel refuses. Everything that the sandbox
//! demands of the rest of the program is explained here, and most of it is in this folder.
//!
//! # What stays allowed
//!
//! ```text
//! directory                  access                                so that
//! source                     read, link from                       no file in it is written, truncated, removed or added
//! staging, linked files      add files and links, remove           a linked file can never be opened for writing
//! staging, written files     the same, and write                   nothing can be linked into it: see below
//! parent of an output        rename and remove directories         the output can get its name
//! output to be replaced      list, remove                          it can go when the new one has its name
//! everything else            make directories                      see below
//! ```
//!
//! - Making directories is allowed everywhere: half of the entries of an output are directories, and checking each
//!   would cost more than all other checks. Nothing can be put into such a directory.
//! - Files that were opened before stay open as they are: standard streams, the report.
//! - No TCP port is bound or connected to (Linux 6.7), no signal sent to and no abstract socket connected to outside of
//!   this process (Linux 6.12), no UDP, no named socket (as kernels learn it).
//! - Landlock does not check `chmod`, `chown`, `utimensat` and `setxattr`.
//!
//! # When it begins
//!
//! [`Ruleset::restrict`] binds the thread that calls it and all threads that it starts later. So it is called while there
//! is only one thread, or for all of them at once where the kernel can do that (Linux 7.0). Whatever starts threads (the
//! epoch clock, the progress bar, workers) begins after it; the compiler ends its threads before it.
//!
//! # Two trees for one output
//!
//! The kernel refuses a link that would make a file writable where it was not (`EXDEV`). So a directory in which files
//! are written cannot take links from the source, and an output is built in two: [`SplitOutput`] gives each file to the
//! tree that can take it and checks that the other one does not have its name, `absent` makes that check cheap, and
//! [`merge`] moves the written files into the tree of links before the output is published. Without Landlock there is one
//! tree. Writers see an [`OutputSink`](super::OutputSink) in either case.
//!
//! # Files that leave the source
//!
//! Landlock goes by where a file is now. `moved` tells a file that another process has moved out of the source, which
//! the kernel refuses with errors that mean something else everywhere else.

pub(super) mod absent;
mod merge_trees;
pub(super) mod moved;
mod rules;
mod split_output;

pub use merge_trees::{MergeError, merge};
pub use rules::{Access, Enforced, LandlockError, OutputTrees, Ruleset, Sandbox, Unavailable};
pub use split_output::SplitOutput;
