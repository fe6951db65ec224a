//! The contract as it is: traits over the generated types, for components that need no more.
//!
//! Names and digests are text here, and nothing is checked.

pub use crate::bindings::generated::audit::exports::regcarve::plugin::audit::{
    Collector, GcOutcome, GcPlan, RepositoryDigest, UnreferencedBlob, UntaggedContent,
};
pub use crate::bindings::generated::layout::exports::regcarve::plugin::read::{
    Image, ImageRequest, LocatedEntry, Referrer, Resolution,
};
pub use crate::bindings::generated::layout::exports::regcarve::plugin::write::{
    Image as PlacedImage, ImageSummary,
};
pub use crate::bindings::generated::layout::regcarve::plugin::log::{Level, log};
pub use crate::bindings::generated::layout::regcarve::plugin::types::{
    ClosureEntry, Damage, Failure, Kind, Platform,
};
pub use crate::bindings::generated::layout::regcarve::plugin::{output, source};

/// The interface `read`. One value lives as long as the instance.
pub trait Reader: Default {
    /// Lists the names of all repositories, sorted by byte value.
    fn repositories(&mut self) -> Result<Vec<String>, Failure>;
    /// Lists the names of all tags of a repository, sorted by byte value.
    fn tags(&mut self, repository: &str) -> Result<Vec<String>, Failure>;
    /// Resolves images: one resolution per request, in the same order.
    fn resolve(&mut self, repository: &str, requests: Vec<ImageRequest>) -> Vec<Resolution>;
    /// Finds the direct referrers of manifests.
    fn referrers(&mut self, repository: &str, subjects: Vec<String>) -> Vec<Referrer>;
}

/// The optional interface `audit` of a [`Reader`].
pub trait Audit: Reader {
    /// Lists the untagged content of a repository.
    fn untagged(&mut self, repository: &str) -> Result<UntaggedContent, Failure>;
    /// Predicts what garbage collectors would do.
    fn garbage(&mut self) -> Result<Vec<Collector>, Failure>;
}

/// The interface `write`. One value lives as long as the instance.
pub trait Writer: Default {
    /// Puts one image into the storage.
    fn place(&mut self, image: PlacedImage) -> Result<(), Failure>;
    /// Writes files that describe the whole storage.
    fn finish(&mut self, images: Vec<ImageSummary>) -> Result<(), Failure>;
}

/// Makes a component of a [`Reader`] and a [`Writer`]; with `audit`, of a reader that implements [`Audit`].
#[macro_export]
macro_rules! raw_layout {
    ($reader:ty, $writer:ty) => {
        $crate::raw_layout!(@layout $reader, $writer);

        #[cfg(target_family = "wasm")]
        $crate::generated::layout::export_layout!(RegcarveLayout);
    };
    ($reader:ty, $writer:ty, audit) => {
        $crate::raw_layout!(@layout $reader, $writer);

        const _: () = {
            use $crate::raw::{Audit, Collector, Failure, UntaggedContent};

            impl $crate::generated::audit::exports::regcarve::plugin::audit::Guest for RegcarveLayout {
                fn untagged(repository: String) -> Result<UntaggedContent, Failure> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.untagged(&repository))
                }
                fn garbage() -> Result<Vec<Collector>, Failure> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.garbage())
                }
            }
        };

        #[cfg(target_family = "wasm")]
        $crate::generated::layout::export_layout!(RegcarveLayout);
        #[cfg(target_family = "wasm")]
        $crate::generated::audit::export_audit!(RegcarveLayout);
    };
    (@layout $reader:ty, $writer:ty) => {
        #[doc(hidden)]
        pub struct RegcarveLayout;

        ::std::thread_local! {
            static READER: ::std::cell::RefCell<$reader> = ::std::default::Default::default();
            static WRITER: ::std::cell::RefCell<$writer> = ::std::default::Default::default();
        }

        const _: () = {
            use $crate::raw::{
                Failure, ImageRequest, ImageSummary, PlacedImage, Reader, Referrer, Resolution, Writer,
            };

            impl $crate::generated::layout::exports::regcarve::plugin::read::Guest for RegcarveLayout {
                fn repositories() -> Result<Vec<String>, Failure> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.repositories())
                }
                fn tags(repository: String) -> Result<Vec<String>, Failure> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.tags(&repository))
                }
                fn resolve(repository: String, requests: Vec<ImageRequest>) -> Vec<Resolution> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.resolve(&repository, requests))
                }
                fn referrers(repository: String, subjects: Vec<String>) -> Vec<Referrer> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.referrers(&repository, subjects))
                }
            }

            impl $crate::generated::layout::exports::regcarve::plugin::write::Guest for RegcarveLayout {
                fn place(image: PlacedImage) -> Result<(), Failure> {
                    $crate::report_panics();
                    WRITER.with_borrow_mut(|writer| writer.place(image))
                }
                fn finish(images: Vec<ImageSummary>) -> Result<(), Failure> {
                    $crate::report_panics();
                    WRITER.with_borrow_mut(|writer| writer.finish(images))
                }
            }
        };
    };
}

/// Sends the text of a panic to the log of the run, since the sandbox shows nothing of it otherwise.
///
/// The macros of this crate call it.
pub fn report_panics() {
    #[cfg(target_family = "wasm")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // A panic hook that panics would abort without a word, so it does nothing but log.
        ONCE.call_once(|| {
            std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
        });
    }
}
