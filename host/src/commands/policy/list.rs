//! `regcarve policy list`.

use crate::commands::{print, session};
use crate::error::Error;
use crate::fs::Sandbox;
use crate::progress::Progress;
use crate::wasm::roles::policy::Policy;
use crate::wasm::{Component, ComponentSpec, Role};

pub(super) fn list() -> Result<(), Error> {
    let engine = session::default_engine(&Progress::hidden())?;
    let load = |name| -> Result<_, Error> {
        let spec = ComponentSpec::Shipped(name);
        Ok(Component::load(&engine, Role::Policy, &spec, false)?)
    };
    let mut lines = Vec::new();
    let names = Component::shipped(Role::Policy);
    let components: Vec<_> = names.iter().map(|name| load((*name).into())).collect();
    session::fence(Sandbox::Auto)?;
    for (name, component) in names.into_iter().zip(components) {
        let component = component?;
        let about = Policy::start_alone(&component)?.describe()?;
        lines.push(format!("{name:12} {:8} {}", about.version, about.summary));
    }
    print(&lines.join("\n"))
}
