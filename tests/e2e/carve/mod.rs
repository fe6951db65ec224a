//! What a release is made of, and how a run ends: one small storage, carved in many ways.

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
