//! The types that the host and the guests of regcarve share.
//!
//! Everything that comes from a list, a storage or a component enters the program as text and
//! becomes one of these types, or an error that says what is wrong with the text. None of them
//! can be made any other way, so a value of these types is never checked again:
//!
//! ```text
//!   team/app:1.2@sha256:0c1f…          Reference   what a list asks for
//!   ───┬──── ─┬─ ─────┬──────
//!   Repository Tag  Digest
//!
//!   team/*:1.{1,2}*                     Pattern     many references in one line
//!   ──┬─── ────┬───
//!    Glob     Glob
//!
//!   linux/arm/v7                        Platform    what an image runs on
//! ```
//!
//! The grammars are those of the registry itself (`distribution/reference`, `go-digest`), written
//! out in ASCII: a letter that merely looks like one of theirs is refused. In particular no value
//! of these types contains `..`, a backslash, a NUL or a leading `/`, and no part between two
//! slashes of a repository starts with `_`. That is what makes it sound to build paths from them.
//!
//! Positions in messages count characters from one, as editors do.

mod digest;
mod excerpt;
mod glob;
mod kind;
mod pattern;
mod platform;
mod reference;
mod repository;

pub use digest::{Algorithm, Digest, DigestError, HexText};
pub use excerpt::Excerpt;
pub use glob::{Glob, GlobError};
pub use kind::Kind;
pub use pattern::{Pattern, PatternError};
pub use platform::{Platform, PlatformError};
pub use reference::{Reference, ReferenceError};
pub use repository::{Repository, RepositoryError, Tag, TagError};
