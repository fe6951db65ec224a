//! The content of a release, and the ways a run ends: one small storage, carved in many ways.

mod disk;
mod drawing;
mod images;
mod linking;
mod lists;
mod missing;
mod outputs;
mod policy;
mod printed;
mod referrers;
mod report;
mod shared;
