//! The role of a selector: it turns the text of a list into requests.

use std::sync::Arc;

use regcarve_types::Pattern;

use crate::error::Error;
use crate::release::request::{Origin, Request};
use crate::text;
use crate::wasm::bindings::selector as bindings;
use crate::wasm::component::Component;
use crate::wasm::instance::Instance;
use crate::wasm::state::Capability;

/// A line of a list that is no request.
#[derive(Debug)]
pub struct BadLine {
    /// The list and the line.
    pub origin: Origin,
    /// The mistake in it.
    pub message: String,
}

/// A selector at work.
pub struct Selector {
    instance: Instance<bindings::Selector>,
}

impl Selector {
    /// A fresh instance, without any capability.
    pub fn start(component: &Component) -> Result<Self, Error> {
        let instance = component.instantiate(Capability::Nothing, |pre, store| {
            bindings::SelectorPre::new(pre.clone())?.instantiate(store)
        })?;
        Ok(Self { instance })
    }

    /// Parses one list into its requests, and the lines that are none.
    pub fn parse(&mut self, name: &str, text: &str) -> Result<(Vec<Request>, Vec<BadLine>), Error> {
        let selection = self
            .instance
            .run(|store, world| world.regcarve_plugin_select().call_parse(store, name, text))?;
        let list: Arc<str> = name.into();
        let origin = |line| Origin::Line {
            list: Arc::clone(&list),
            line,
        };
        let mut bad: Vec<_> = selection
            .problems
            .into_iter()
            .map(|problem| BadLine {
                origin: origin(problem.line),
                message: text::shortened(problem.message),
            })
            .collect();
        let mut requests = Vec::with_capacity(selection.requests.len());
        for request in selection.requests {
            match Pattern::parse(&request.reference) {
                Ok(pattern) => requests.push(Request {
                    pattern,
                    origin: origin(request.line),
                }),
                Err(error) => bad.push(BadLine {
                    origin: origin(request.line),
                    message: text::shortened(error.to_string()),
                }),
            }
        }
        bad.sort_by(|a, b| a.origin.cmp(&b.origin));
        Ok((requests, bad))
    }
}
