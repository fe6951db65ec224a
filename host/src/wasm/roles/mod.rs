//! What components answer: one file for each role of the contract.

pub mod policy;
pub mod reader;
pub mod selector;
pub mod writer;
