//! What is known of the image at hand, read when the expression comes to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cel::{Context, ExecutionError};
use jiff::Timestamp;
use regcarve_formats::ImageConfig;
use regcarve_policy_kit::policy::Image;
use regcarve_policy_kit::policy::inside::{self, Inside, Part};

use crate::Program;
use crate::values::{IMAGE, Shown, Texts};

/// What an expression can ask of an image.
pub(crate) const FIELDS: [&str; 9] = [
    "repository",
    "tag",
    "digest",
    "media_type",
    "size",
    "platforms",
    "labels",
    "annotations",
    "created",
];

/// An image and, step by step, what is inside it. The part at hand is one of its platforms.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) repository: &'a str,
    pub(crate) image: &'a Image,
    opened: OnceLock<Opened>,
    index_annotations: OnceLock<BTreeMap<String, String>>,
    platforms: OnceLock<Vec<String>>,
    created: OnceLock<Option<Timestamp>>,
    part: usize,
    labels: OnceLock<Texts>,
    annotations: OnceLock<Texts>,
    /// The first thing that could not be read. The language has operators that take errors for an answer.
    failure: Mutex<Option<String>>,
}

/// What belongs to an image, and the configs of its parts as far as they have been read.
#[derive(Debug)]
struct Opened {
    inside: Inside,
    configs: Vec<OnceLock<Option<ImageConfig>>>,
}

/// What a cell holds; the first time, what is made for it.
fn once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, String>) -> Result<&T, String> {
    if let Some(known) = cell.get() {
        return Ok(known);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

impl<'a> Facts<'a> {
    /// An image of which nothing has been read yet.
    pub(crate) fn of(repository: &'a str, image: &'a Image) -> Self {
        Self {
            repository,
            image,
            opened: OnceLock::new(),
            index_annotations: OnceLock::new(),
            platforms: OnceLock::new(),
            created: OnceLock::new(),
            part: 0,
            labels: OnceLock::new(),
            annotations: OnceLock::new(),
            failure: Mutex::new(None),
        }
    }

    /// An image that says nothing.
    pub(crate) fn nothing(image: &'a Image) -> Self {
        Self {
            platforms: OnceLock::from(Vec::new()),
            created: OnceLock::from(None),
            labels: OnceLock::from(Texts::default()),
            annotations: OnceLock::from(Texts::default()),
            ..Self::of("", image)
        }
    }

    /// Something to evaluate expressions about this image in.
    pub(crate) fn context<'v>(&'v self, program: &Program) -> Context<'v, 'v> {
        let mut context = Context::with_env(Arc::clone(&program.env));
        context.add_variable_as_val(IMAGE, Box::new(Shown(self)));
        context
    }

    /// Turns to the next platform; says no if there is none, or if the answer can be no other for it.
    pub(crate) fn next_part(&mut self) -> bool {
        let asked = self.labels.get().is_some() || self.annotations.get().is_some();
        let parts = self.opened.get().map_or(0, |opened| opened.configs.len());
        if !asked || self.part + 1 >= parts {
            return false;
        }
        self.part += 1;
        self.labels = OnceLock::new();
        self.annotations = OnceLock::new();
        true
    }

    /// The platform at hand, if an answer for another one could be another: ` (linux/arm64)`.
    pub(crate) fn on_platform(&self) -> String {
        let asked = self.labels.get().is_some() || self.annotations.get().is_some();
        let part = self.part().ok().flatten().filter(|_| asked);
        let named = part.and_then(|part| part.manifest.platform.as_ref());
        let platform = named.and_then(inside::platform);
        platform.map_or_else(String::new, |platform| format!(" ({platform})"))
    }

    /// Whether it costs nothing to ask for this.
    pub(crate) fn knows(&self, field: &str) -> bool {
        match field {
            "labels" => self.labels.get().is_some(),
            "annotations" => self.annotations.get().is_some(),
            "platforms" => self.platforms.get().is_some(),
            "created" => self.created.get().is_some(),
            _ => true,
        }
    }

    fn opened(&self) -> Result<&Opened, String> {
        once(&self.opened, || {
            let inside = self.image.inside()?;
            let configs = inside.parts().map(|_| OnceLock::new()).collect();
            Ok(Opened { inside, configs })
        })
    }

    /// The part at hand; none in an index that names nothing.
    fn part(&self) -> Result<Option<Part<'_>>, String> {
        Ok(self.opened()?.inside.parts().nth(self.part))
    }

    fn config(&self, position: usize, part: Part<'_>) -> Result<Option<&ImageConfig>, String> {
        match self.opened()?.configs.get(position) {
            Some(cell) => Ok(once(cell, || part.config())?.as_ref()),
            None => Ok(None),
        }
    }

    pub(crate) fn labels(&self) -> Result<&Texts, String> {
        once(&self.labels, || {
            let Some(part) = self.part()? else {
                return Ok(Texts::default());
            };
            let labels = self.config(self.part, part)?.map(|config| &config.labels);
            Ok(Texts::of(labels.cloned().unwrap_or_default()))
        })
    }

    pub(crate) fn annotations(&self) -> Result<&Texts, String> {
        once(&self.annotations, || {
            let inside = &self.opened()?.inside;
            let above = once(&self.index_annotations, || inside.index_annotations())?;
            let mut all = above.clone();
            if let Some(part) = self.part()? {
                all.extend(part.annotations()?);
            }
            Ok(Texts::of(all))
        })
    }

    pub(crate) fn platforms(&self) -> Result<&[String], String> {
        let all = once(&self.platforms, || {
            let named = self.image.platforms.iter().filter_map(inside::platform);
            let mut all: Vec<_> = named.map(|platform| platform.to_string()).collect();
            // That of an image without index stands in its config.
            if all.is_empty() {
                for part in self.opened()?.inside.parts() {
                    all.extend(part.platform()?.map(|platform| platform.to_string()));
                }
            }
            Ok(all)
        })?;
        Ok(all)
    }

    pub(crate) fn created(&self) -> Result<Option<Timestamp>, String> {
        let created = once(&self.created, || {
            let mut newest = None;
            for (position, part) in self.opened()?.inside.parts().enumerate() {
                let config = self.config(position, part)?;
                newest = newest.max(part.created_by(config)?);
            }
            Ok(newest)
        })?;
        Ok(*created)
    }

    /// Notes that something could not be read.
    pub(crate) fn fail(&self, text: String) -> ExecutionError {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| text.clone());
        ExecutionError::InternalError(text)
    }

    /// The first thing that could not be read.
    pub(crate) fn failure(&self) -> Option<String> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }
}
