//! Layouts: a storage format, known both ways.

pub use crate::generated::layout::exports::regcarve::plugin::read::{
    Attachment, Collection, Condemned, Damage, Forecast, Image, Located, Named, Resolution, Sweep,
    Wanted,
};
pub use crate::generated::layout::exports::regcarve::plugin::write::{Entry, Image as Placed};
pub use crate::generated::layout::regcarve::plugin::{output, source};

use crate::Failure;

/// Finds images in a storage. One value lives as long as the instance does.
pub trait Reader: Default {
    /// The names of all repositories, sorted by byte value.
    fn repositories(&mut self) -> Result<Vec<String>, Failure>;
    /// The names of all tags of a repository, sorted by byte value.
    fn tags(&mut self, repository: &str) -> Result<Vec<String>, Failure>;
    /// As many answers as wishes, in the same order.
    fn resolve(&mut self, repository: &str, wanted: Vec<Wanted>) -> Vec<Resolution>;
    /// Images of the same repository that speak of these manifests directly.
    fn attached(&mut self, repository: &str, manifests: &[String]) -> Vec<Attachment>;
    /// What is wrong with a repository apart from its images.
    fn inspect(&mut self, repository: &str) -> Vec<Damage>;
    /// What garbage collectors of this format would do to the storage.
    fn collections(&mut self) -> Result<Vec<Collection>, Failure> {
        Ok(Vec::new())
    }
}

/// Lays images out in a new storage. One value lives as long as the instance does.
pub trait Writer: Default {
    /// Puts one image into the storage.
    fn place(&mut self, image: Placed) -> Result<(), Failure>;
    /// Writes what speaks of all images.
    fn finish(&mut self, images: Vec<Entry>) -> Result<(), Failure>;
}

/// Makes a component of a [`Reader`] and a [`Writer`].
#[macro_export]
macro_rules! layout {
    ($reader:ty, $writer:ty) => {
        #[doc(hidden)]
        pub struct RegcarveLayout;

        ::std::thread_local! {
            static READER: ::std::cell::RefCell<$reader> = ::std::default::Default::default();
            static WRITER: ::std::cell::RefCell<$writer> = ::std::default::Default::default();
        }

        const _: () = {
            use $crate::layout::{Attachment, Collection, Damage, Entry, Placed, Reader, Resolution, Wanted, Writer};

            impl $crate::generated::layout::exports::regcarve::plugin::read::Guest for RegcarveLayout {
                fn repositories() -> Result<Vec<String>, $crate::Failure> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.repositories())
                }
                fn tags(repository: String) -> Result<Vec<String>, $crate::Failure> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.tags(&repository))
                }
                fn resolve(repository: String, wanted: Vec<Wanted>) -> Vec<Resolution> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.resolve(&repository, wanted))
                }
                fn attached(repository: String, manifests: Vec<String>) -> Vec<Attachment> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.attached(&repository, &manifests))
                }
                fn inspect(repository: String) -> Vec<Damage> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.inspect(&repository))
                }
                fn collections() -> Result<Vec<Collection>, $crate::Failure> {
                    $crate::report_panics();
                    READER.with_borrow_mut(|reader| reader.collections())
                }
            }

            impl $crate::generated::layout::exports::regcarve::plugin::write::Guest for RegcarveLayout {
                fn place(image: Placed) -> Result<(), $crate::Failure> {
                    $crate::report_panics();
                    WRITER.with_borrow_mut(|writer| writer.place(image))
                }
                fn finish(images: Vec<Entry>) -> Result<(), $crate::Failure> {
                    $crate::report_panics();
                    WRITER.with_borrow_mut(|writer| writer.finish(images))
                }
            }
        };

        #[cfg(target_family = "wasm")]
        $crate::generated::layout::export_layout!(RegcarveLayout);
    };
}
