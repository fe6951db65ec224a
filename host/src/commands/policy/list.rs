//! `regcarve policy list`: the shipped policies.

use anyhow::Result;

use crate::commands::{default_engine, print};
use crate::fs::Sandbox;
use crate::pipeline::session::restrict_all;
use crate::progress::Progress;
use crate::spec::ComponentSpec;
use crate::wasm::roles::policy::Policy;
use crate::wasm::{Component, Role};

pub(super) fn list() -> Result<()> {
    let engine = default_engine(&Progress::hidden())?;
    let load = |name: &str| {
        let spec = ComponentSpec::Shipped(name.into());
        Component::load(&engine, Role::Policy, &spec, false)
    };
    let names = Component::shipped(Role::Policy);
    let components: Vec<_> = names.iter().map(|name| load(name)).collect();
    restrict_all(Sandbox::Auto)?;
    let mut lines = Vec::new();
    for (name, component) in names.into_iter().zip(components) {
        let about = Policy::start_alone(&component?)?.describe()?;
        lines.push(format!("{name:12} {:8} {}", about.version, about.summary));
    }
    print(&lines.join("\n"))?;
    Ok(())
}
