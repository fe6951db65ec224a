//! Policies: rules that keep, change or drop images.
//!
//! ```ignore
//! use regcarve_policy_kit::policy::{Decision, Image, Policy};
//!
//! /// Drops tags with a banned prefix.
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct NoPrefix { prefix: String }
//!
//! impl Policy for NoPrefix {
//!     fn decide(&mut self, _repository: &str, image: &Image) -> Result<Decision, String> {
//!         Ok(Decision::drop_if(image.tag().starts_with(&self.prefix), "its tag has a banned prefix"))
//!     }
//! }
//! regcarve_policy_kit::policy!(NoPrefix);
//! ```
//!
//! The labels, annotations and time of creation of an image are one call away: [`Image::labels`], [`Image::annotations`],
//! [`Image::created`]; its manifests for each platform are in [`mod@image_contents`]. Blobs are read when they are asked
//! for, not before.

pub use crate::generated::policy::exports::regcarve::plugin::decide::{
    Decision, Description, Diagnostic, Image, NewManifest, Rewritten,
};

pub mod content;
pub mod created;
mod diagnostics;
mod image;
pub mod image_contents;
#[cfg(test)]
mod tests;
mod verdict;
pub mod version;

pub use diagnostics::{Diagnostics, pointer_to};
pub use verdict::Verdict;

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

/// A policy, which is its own settings: it is read from the JSON that the user gave, and the schema that
/// `regcarve policy inspect` shows is made from the same type.
pub trait Policy: DeserializeOwned + JsonSchema {
    /// Lower-case words joined by `-`. If empty, the name of the package.
    const NAME: &'static str = "";
    /// A semantic version. If empty, that of the package.
    const VERSION: &'static str = "";
    /// One sentence. If empty, the description of the package.
    const SUMMARY: &'static str = "";

    /// Makes settings of a short form, which the user wrote instead of a JSON object. A text that is no JSON comes as a
    /// string, so that `--policy newest=3` gives a number and
    /// `--policy platforms=linux/amd64` a string.
    ///
    /// # Errors
    ///
    /// The error in the short form, for the user. By default there is no short form.
    fn shorthand(_value: Value) -> Result<Value, String> {
        Err("settings are a JSON object: { … }".into())
    }

    /// Checks what the types of the settings cannot express, and does work that is done once.
    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        Ok(())
    }

    /// Decides on one image. An error ends the run.
    fn decide(&mut self, _repository: &str, _image: &Image) -> Result<Decision, String> {
        Err("it implements neither `decide` nor `decide_all`".into())
    }

    /// Decides on the images of one repository, for policies that compare them: sorted by tag, those
    /// without one first. The answer has as many decisions, in the same order. By default each is decided on its own.
    fn decide_all(&mut self, repository: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
        images
            .iter()
            .map(|image| self.decide(repository, image))
            .collect()
    }
}

/// The name, version and description of a package: the defaults for a policy in it.
#[doc(hidden)]
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    pub description: &'static str,
}

/// Describes a [`Policy`] in a package, in the contract's form.
#[doc(hidden)]
pub fn describe<P: Policy>(package: &Package) -> Description {
    let schema = schemars::schema_for!(P);
    let or = |text: &'static str, default: &'static str| {
        String::from(if text.is_empty() { default } else { text })
    };
    Description {
        name: or(P::NAME, package.name),
        version: or(P::VERSION, package.version),
        summary: or(P::SUMMARY, package.description),
        settings_schema: serde_json::to_string(&schema).unwrap_or_default(),
    }
}

/// Reads settings; an error names the place in them.
pub fn configure<P: Policy>(settings: &str) -> Result<P, Vec<Diagnostic>> {
    // Errors in an object tell their line and column, so it is not taken apart before it has to be.
    let mut policy = if settings.trim_start().starts_with('{') {
        let mut json = serde_json::Deserializer::from_str(settings);
        let policy: P = read(&mut json)?;
        json.end().map_err(|error| whole(error.to_string()))?;
        policy
    } else {
        let value = serde_json::from_str(settings).map_err(|error| whole(error.to_string()))?;
        read(P::shorthand(value).map_err(whole)?)?
    };
    policy.prepare()?;
    Ok(policy)
}

fn read<'de, P: Policy>(from: impl Deserializer<'de>) -> Result<P, Vec<Diagnostic>> {
    serde_path_to_error::deserialize(from).map_err(|error| {
        vec![Diagnostic {
            path: pointer(error.path()),
            message: error.into_inner().to_string(),
        }]
    })
}

/// An error in the settings as a whole.
fn whole(message: String) -> Vec<Diagnostic> {
    vec![Diagnostic::new("", message)]
}

/// A path of serde as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .fold(String::new(), |path, segment| match segment {
            Segment::Seq { index } => format!("{path}/{index}"),
            Segment::Map { key } => pointer_to(&path, key),
            Segment::Enum { .. } | Segment::Unknown => path,
        })
}

/// Makes a component of a [`Policy`].
#[macro_export]
macro_rules! policy {
    ($policy:ty) => {
        #[doc(hidden)]
        pub struct RegcarvePolicy;

        ::std::thread_local! {
            static POLICY: ::std::cell::RefCell<Option<$policy>> = const { ::std::cell::RefCell::new(None) };
        }

        const _: () = {
            use $crate::policy::{Decision, Description, Diagnostic, Image, Policy};

            impl $crate::generated::policy::exports::regcarve::plugin::decide::Guest for RegcarvePolicy {
                fn describe() -> Description {
                    $crate::report_panics();
                    $crate::policy::describe::<$policy>(&$crate::policy::Package {
                        name: ::std::env!("CARGO_PKG_NAME"),
                        version: ::std::env!("CARGO_PKG_VERSION"),
                        description: ::std::env!("CARGO_PKG_DESCRIPTION"),
                    })
                }
                fn configure(settings: String) -> Result<(), Vec<Diagnostic>> {
                    $crate::report_panics();
                    let policy = $crate::policy::configure::<$policy>(&settings)?;
                    POLICY.set(Some(policy));
                    Ok(())
                }
                fn decide(repository: String, images: Vec<Image>) -> Result<Vec<Decision>, String> {
                    POLICY.with_borrow_mut(|policy| match policy {
                        Some(policy) => policy.decide_all(&repository, &images),
                        None => Err("decide was called before configure".into()),
                    })
                }
            }
        };

        #[cfg(target_family = "wasm")]
        $crate::generated::policy::export_policy!(RegcarvePolicy);
    };
}
