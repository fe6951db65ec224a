//! The shipped policies: what they drop and why, what they read, and that the same input always gets the same answer.

mod decisions;
mod images;
mod reading;
mod repeatable;
mod schemas;
mod settings;
