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
    let settings = match args.policy.settings {
        Some(_) => Some(session::settings(&args.policy)?),
        None => None,
    };
    session::fence(args.limits.sandbox)?;
    let mut policy = Policy::start_alone(&component)?;
    let about = policy.describe()?;
    let accepted = match &settings {
        Some(settings) => {
            policy.configure(settings)?;
            ", and accepts these settings"
        }
        None => "",
    };
    print(&text::visible(&format!(
        "{}: {} {} can run here{accepted}",
        component.name(),
        about.name,
        about.version
    )))
}
