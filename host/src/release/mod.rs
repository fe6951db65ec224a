//! The nouns of a release: requests, images, their closures, the table of blobs, the plan, problems. No I/O.

pub mod answers;
pub mod blob_table;
pub mod closure;
pub mod decision;
pub mod image;
pub mod plan;
pub mod problem;
pub mod request;
pub mod role;
pub mod tally;
