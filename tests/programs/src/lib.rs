//! Tiny guests for tests: each file is one component that does one thing, and its header names the rule
//! that it lives by (friendly) or attacks (hostile).
//!
//! ```text
//! policy/    what a policy may compute, read, answer and say; WASI
//! reader/    lies about a storage
//! writer/    paths, names, content
//! selector/  lists
//! fuzz/      one for each role: whatever its bytes make it answer
//! ```
//!
//! The verdicts are in `tests/plugins/sandbox`; `tests/plugins/guest_answers_fuzz` feeds the last. Here is what the guests
//! share.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a program of the tests says what went wrong by breaking off"
)]

use regcarve_layout_kit::raw::{
    ClosureEntry, Failure, Image, ImageRequest, ImageSummary, Kind, LocatedEntry, PlacedImage,
    Reader, Referrer, Resolution, Writer, source,
};

pub use regcarve_layout_kit;
pub use regcarve_policy_kit;
pub use regcarve_policy_kit::{schemars, serde};

pub mod wild;

/// Bytes that travelled as characters.
pub fn bytes_of(text: &str) -> Vec<u8> {
    text.chars().map(|character| character as u8).collect()
}

/// Bytes that travelled as pairs of hexadecimal digits, as in a name.
pub fn hex_of(text: &str) -> Vec<u8> {
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    text.as_bytes().chunks(2).filter_map(pair).collect()
}

/// A failure of either kit.
pub trait AnyFailure: std::fmt::Debug {
    /// Tells whether it is `refused`.
    fn is_refused(&self) -> bool;
}

impl AnyFailure for Failure {
    fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl AnyFailure for regcarve_policy_kit::Failure {
    fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

/// Tries something that must be refused; the answer, for the message that the guest gives up with. If it
/// is not refused the sandbox has a hole, and the guest screams.
pub fn refused<T, F: AnyFailure>(what: &str, answer: Result<T, F>) -> F {
    match answer {
        Err(failure) if failure.is_refused() => failure,
        Err(failure) => panic!("BREACH: {what}: not refused, but {failure:?}"),
        Ok(_) => panic!("BREACH: {what}: it was done"),
    }
}

/// Time passes, and no compiler notices that it is wasted.
pub fn spin() -> ! {
    loop {
        std::hint::black_box(0);
    }
}

/// Asks for memory, and uses it, until it gets no more.
pub fn hoard() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&hoard);
    }
}

/// Control characters of all kinds, as a stranger would send them: clear the screen, set the title, go back, C1,
/// turn the writing direction.
pub const ESCAPES: &str = "\x1b[2J\x1b]0;title\x07\r\u{8}\u{9b}31m\u{202e}txt\0";

/// Makes a policy of a function `fn(&str, &[Image]) -> Result<Vec<Decision>, String>`.
#[macro_export]
macro_rules! policy {
    ($decide:path) => {
        $crate::policy!($decide, || ());
    };
    ($decide:path, $configure:expr) => {
        #[derive($crate::serde::Deserialize, $crate::schemars::JsonSchema)]
        #[serde(crate = "regcarve_test_programs::serde")]
        #[schemars(crate = "regcarve_test_programs::schemars")]
        struct Program {}

        impl $crate::regcarve_policy_kit::policy::Policy for Program {
            const NAME: &'static str = "program";
            const VERSION: &'static str = "1.0.0";
            const SUMMARY: &'static str = "A guest for tests.";

            fn prepare(
                &mut self,
            ) -> Result<(), Vec<$crate::regcarve_policy_kit::policy::Diagnostic>> {
                $configure();
                Ok(())
            }

            fn decide(
                &mut self,
                _: &str,
                _: &$crate::regcarve_policy_kit::policy::Image,
            ) -> Result<$crate::regcarve_policy_kit::policy::Decision, String> {
                Err("only `decide_all` is called".into())
            }

            fn decide_all(
                &mut self,
                repository: &str,
                images: &[$crate::regcarve_policy_kit::policy::Image],
            ) -> Result<Vec<$crate::regcarve_policy_kit::policy::Decision>, String> {
                $decide(repository, images)
            }
        }

        $crate::regcarve_policy_kit::policy!(Program);
    };
}

/// Makes a writer of a function `fn(&PlacedImage) -> Result<(), Failure>`.
#[macro_export]
macro_rules! writer {
    ($place:path) => {
        #[derive(Default)]
        struct Program;

        impl $crate::regcarve_layout_kit::raw::Writer for Program {
            fn place(
                &mut self,
                image: $crate::regcarve_layout_kit::raw::PlacedImage,
            ) -> Result<(), $crate::regcarve_layout_kit::raw::Failure> {
                $place(&image)
            }

            fn finish(
                &mut self,
                _: Vec<$crate::regcarve_layout_kit::raw::ImageSummary>,
            ) -> Result<(), $crate::regcarve_layout_kit::raw::Failure> {
                Ok(())
            }
        }

        $crate::regcarve_layout_kit::raw_layout!($crate::NoReader, Program);
    };
}

/// Makes a reader of a function `fn(Image, &ImageRequest) -> Resolution` that is given the true answer. Its storage is a
/// folder with the files `manifest`, `config` and `layer`, which are the image `team/app:v1`. Referrers come from a
/// function `fn(&[String]) -> Vec<Referrer>`; with an `untagged: fn() -> Vec<String>` it exports `audit`.
#[macro_export]
macro_rules! reader {
    ($resolve:path) => {
        $crate::reader!($resolve, $crate::no_referrers);
    };
    ($resolve:path, $referrers:path) => {
        $crate::reader!(@read $resolve, $referrers);

        $crate::regcarve_layout_kit::raw_layout!(Program, $crate::NoWriter);
    };
    ($resolve:path, $referrers:path, untagged: $untagged:path) => {
        $crate::reader!(@read $resolve, $referrers);

        impl $crate::regcarve_layout_kit::raw::Audit for Program {
            fn untagged(
                &mut self,
                _: &str,
            ) -> Result<
                $crate::regcarve_layout_kit::raw::UntaggedContent,
                $crate::regcarve_layout_kit::raw::Failure,
            > {
                Ok($crate::regcarve_layout_kit::raw::UntaggedContent {
                    manifests: $untagged(),
                    damages: Vec::new(),
                })
            }

            fn garbage(
                &mut self,
            ) -> Result<
                Vec<$crate::regcarve_layout_kit::raw::Collector>,
                $crate::regcarve_layout_kit::raw::Failure,
            > {
                Ok(Vec::new())
            }
        }

        $crate::regcarve_layout_kit::raw_layout!(Program, $crate::NoWriter, audit);
    };
    (@read $resolve:path, $referrers:path) => {
        #[derive(Default)]
        struct Program;

        impl $crate::regcarve_layout_kit::raw::Reader for Program {
            fn repositories(
                &mut self,
            ) -> Result<Vec<String>, $crate::regcarve_layout_kit::raw::Failure> {
                Ok(vec!["team/app".into()])
            }

            fn tags(
                &mut self,
                _: &str,
            ) -> Result<Vec<String>, $crate::regcarve_layout_kit::raw::Failure> {
                Ok(vec!["v1".into()])
            }

            fn resolve(
                &mut self,
                _: &str,
                requests: Vec<$crate::regcarve_layout_kit::raw::ImageRequest>,
            ) -> Vec<$crate::regcarve_layout_kit::raw::Resolution> {
                requests
                    .iter()
                    .map(|request| $resolve($crate::truth(request), request))
                    .collect()
            }

            fn referrers(
                &mut self,
                _: &str,
                subjects: Vec<String>,
            ) -> Vec<$crate::regcarve_layout_kit::raw::Referrer> {
                $referrers(&subjects)
            }
        }
    };
}

/// For readers without referrers.
pub fn no_referrers(_: &[String]) -> Vec<Referrer> {
    Vec::new()
}

/// The answer of an honest reader.
pub fn truth(request: &ImageRequest) -> Image {
    let entries = vec![
        located("manifest", Kind::Manifest, vec![1, 2]),
        located("config", Kind::Config, Vec::new()),
        located("layer", Kind::Layer, Vec::new()),
    ];
    Image {
        tag: request.tag.clone(),
        digest: entries[0].entry.digest.clone(),
        entries,
    }
}

fn located(path: &str, kind: Kind, children: Vec<u32>) -> LocatedEntry {
    let blob = source::read_blob(path, None).expect("the storage of the tests has this file");
    let entry = ClosureEntry {
        digest: blob.digest,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        size: blob.bytes.len() as u64,
        kind,
        platform: None,
        describes: None,
        children,
    };
    LocatedEntry {
        entry,
        path: path.into(),
        optional: false,
    }
}

/// For components that only write.
#[derive(Default)]
pub struct NoReader;

impl Reader for NoReader {
    fn repositories(&mut self) -> Result<Vec<String>, Failure> {
        Err(Failure::Other("this component only writes".into()))
    }
    fn tags(&mut self, _: &str) -> Result<Vec<String>, Failure> {
        self.repositories()
    }
    fn resolve(&mut self, _: &str, _: Vec<ImageRequest>) -> Vec<Resolution> {
        Vec::new()
    }
    fn referrers(&mut self, _: &str, _: Vec<String>) -> Vec<Referrer> {
        Vec::new()
    }
}

/// For components that only read.
#[derive(Default)]
pub struct NoWriter;

impl Writer for NoWriter {
    fn place(&mut self, _: PlacedImage) -> Result<(), Failure> {
        Err(Failure::Other("this component only reads".into()))
    }
    fn finish(&mut self, _: Vec<ImageSummary>) -> Result<(), Failure> {
        Err(Failure::Other("this component only reads".into()))
    }
}
