//! Policies: what of a release stays.
//!
//! ```ignore
//! use regcarve_kit::policy::{Decision, Image, Policy};
//!
//! /// Keeps what was built for production.
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Production {
//!     /// Tags that begin with this are dropped.
//!     banned_prefix: String,
//! }
//!
//! impl Policy for Production {
//!     const NAME: &'static str = "production";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!     const SUMMARY: &'static str = "Drops tags with a banned prefix.";
//!
//!     fn decide(&mut self, _repository: &str, image: &Image) -> Result<Decision, String> {
//!         Ok(match image.tag.as_deref() {
//!             Some(tag) if tag.starts_with(&self.banned_prefix) => Decision::Drop("banned prefix".into()),
//!             _ => Decision::Keep,
//!         })
//!     }
//! }
//! regcarve_kit::policy!(Production);
//! ```

pub use crate::generated::policy::exports::regcarve::plugin::decide::{
    Decision, Description, Diagnostic, Image, NewManifest, Rewritten,
};

pub mod content;
pub mod inside;

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

/// A policy, which is its own settings: it is read from the JSON that the user gave, and the schema that
/// `regcarve policy inspect` shows is made from the same type.
pub trait Policy: DeserializeOwned + JsonSchema {
    /// Lower-case words joined by `-`.
    const NAME: &'static str;
    /// A semantic version, most often `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// One sentence.
    const SUMMARY: &'static str;

    /// The settings that a short form stands for: what the user wrote instead of a JSON object. A text that
    /// is no JSON comes as a string, so that `--policy newest=3` gives a number and
    /// `--policy platforms=linux/amd64` a string.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the user. By default there is no short form.
    fn shorthand(_value: Value) -> Result<Value, String> {
        Err("settings are a JSON object: { … }".into())
    }

    /// What the types cannot say about the settings, and work to be done once.
    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        Ok(())
    }

    /// What becomes of one image.
    fn decide(&mut self, repository: &str, image: &Image) -> Result<Decision, String>;

    /// What becomes of the images of one repository, for policies that compare them: sorted by tag, those
    /// without one first. The answer has as many decisions, in the same order.
    fn decide_all(&mut self, repository: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
        images
            .iter()
            .map(|image| self.decide(repository, image))
            .collect()
    }
}

/// What [`Policy`] says of itself, in the contract's form.
pub fn describe<P: Policy>() -> Description {
    let schema = schemars::schema_for!(P);
    Description {
        name: P::NAME.into(),
        version: P::VERSION.into(),
        summary: P::SUMMARY.into(),
        settings_schema: serde_json::to_string(&schema).unwrap_or_default(),
    }
}

/// Reads settings; says where they are wrong.
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

/// Something that is wrong with the settings as a whole.
fn whole(message: String) -> Vec<Diagnostic> {
    vec![Diagnostic::new("", message)]
}

impl Diagnostic {
    /// What is wrong at a place, a JSON pointer: `/allow/0`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

/// A path of serde as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
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
                    $crate::policy::describe::<$policy>()
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
