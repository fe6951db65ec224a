//! Layouts, storage formats for regcarve, are written with this crate.
//!
//! A format implements two traits and calls one macro:
//!
//! | implement     | to                                                             |
//! |---------------|----------------------------------------------------------------|
//! | [`Catalog`]   | list repositories and tags, find manifests, follow a closure   |
//! | [`Audited`]   | also list the content besides tagged images (optional)          |
//! | [`Writer`]    | lay images out in a new storage                                |
//!
//! ```ignore
//! regcarve_layout_kit::layout!(MyCatalog, MyWriter);          // or with `, audit`
//! ```
//!
//! Everything that formats have in common is here: requests and answers ([`CatalogReader`]), the closure of an image
//! ([`closure()`]), referrers, and typed access to the [`source`] and the [`output`]. The contract without types is
//! in [`raw`].
//!
//! Everything also compiles natively, so a format is tested with plain `cargo test`; only calls into the host need
//! the real thing.

mod bindings;
mod catalog;
mod closure;
pub mod output;
pub mod raw;
pub mod source;
mod writer;

#[doc(hidden)]
pub use bindings::generated;
pub use catalog::{Audited, Catalog, CatalogReader, Unresolved, Untagged, UntaggedReferrers};
pub use closure::{BlobFile, Located, ManifestFile, Store, closure, subject_of};
pub use raw::{
    Collector, Damage, Failure, GcOutcome, GcPlan, Kind, Level, RepositoryDigest, UnreferencedBlob,
    log, report_panics,
};
pub use writer::{Placed, PlacedEntry, Summary, TypedWriter, Writer, cannot_store};

/// Makes a component of a [`Catalog`] and a [`Writer`]; with `audit`, of a catalog that is [`Audited`].
#[macro_export]
macro_rules! layout {
    ($catalog:ty, $writer:ty $(, $audit:ident)?) => {
        $crate::raw_layout!(
            $crate::CatalogReader<$catalog>,
            $crate::TypedWriter<$writer>
            $(, $audit)?
        );
    };
}
