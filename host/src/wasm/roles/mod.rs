//! Roles of components: one file for each interface of the contract that they export.

mod audit;
pub mod policy;
pub mod reader;
pub mod selector;
pub mod writer;
