//! `regcarve policy list`.

use crate::commands::{print, session};
use crate::error::Error;
use crate::progress::Progress;
use crate::wasm::policy::Policy;
use crate::wasm::{Component, ComponentSpec, Role};

pub(super) fn list() -> Result<(), Error> {
    let engine = session::default_engine(&Progress::hidden())?;
    let mut lines = Vec::new();
    for name in Component::shipped(Role::Policy) {
        let spec = ComponentSpec::Shipped(name.into());
        let component = Component::load(&engine, Role::Policy, &spec, false)?;
        let about = Policy::start_alone(&component)?.describe()?;
        lines.push(format!("{name:12} {:8} {}", about.version, about.summary));
    }
    print(&lines.join("\n"))
}
