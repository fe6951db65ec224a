//! Selectors: from the text of a list to requests.

pub use crate::generated::selector::exports::regcarve::plugin::select::{
    Problem, Request, Selection,
};

/// A reader of lists.
pub trait Selector {
    /// Reads one list. `name` is for messages; `text` has no byte order mark.
    fn parse(name: &str, text: &str) -> Selection;
}

/// Makes a component of a [`Selector`].
#[macro_export]
macro_rules! selector {
    ($selector:ty) => {
        #[doc(hidden)]
        pub struct RegcarveSelector;

        impl $crate::generated::selector::exports::regcarve::plugin::select::Guest
            for RegcarveSelector
        {
            fn parse(name: String, text: String) -> $crate::selector::Selection {
                $crate::report_panics();
                <$selector as $crate::selector::Selector>::parse(&name, &text)
            }
        }

        #[cfg(target_family = "wasm")]
        $crate::generated::selector::export_selector!(RegcarveSelector);
    };
}
