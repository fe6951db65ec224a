//! `regcarve policy list`.

use crate::commands::{default_engine, print};
use crate::error::Error;
use crate::fs::Sandbox;
use crate::pipeline::session::restrict_all;
use crate::progress::Progress;
use crate::wasm::roles::policy::Policy;
use crate::wasm::{Component, ComponentSpec, Role};

pub(super) fn list() -> Result<(), Error> {
    let engine = default_engine(&Progress::hidden())?;
    let load = |name| -> Result<_, Error> {
        let spec = ComponentSpec::Shipped(name);
        Ok(Component::load(&engine, Role::Policy, &spec, false)?)
    };
    let mut lines = Vec::new();
    let names = Component::shipped(Role::Policy);
    let components: Vec<_> = names.iter().map(|name| load((*name).into())).collect();
    restrict_all(Sandbox::Auto)?;
    for (name, component) in names.into_iter().zip(components) {
        let component = component?;
        let about = Policy::start_alone(&component)?.describe()?;
        lines.push(format!("{name:12} {:8} {}", about.version, about.summary));
    }
    print(&lines.join("\n"))
}
