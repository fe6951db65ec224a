//! `regcarve policy check`.

use super::{engine, load};
use crate::cli::Check;
use crate::commands::{print, session};
use crate::error::Error;
use crate::text;
use crate::wasm::policy::Policy;

pub(super) fn check(args: &Check) -> Result<(), Error> {
    let engine = engine(&args.limits)?;
    let component = load(&engine, &args.policy, &args.limits)?;
    let mut policy = Policy::start_alone(&component)?;
    let about = policy.describe()?;
    let settings = match &args.policy.settings {
        Some(_) => {
            policy.configure(&session::settings(&args.policy)?)?;
            ", and accepts these settings"
        }
        None => "",
    };
    print(&text::visible(&format!(
        "{}: {} {} can run here{settings}",
        component.name(),
        about.name,
        about.version
    )))
}
