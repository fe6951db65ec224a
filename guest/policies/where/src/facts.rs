//! The values of the image at hand, read when the expression asks for them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cel::{Context, ExecutionError};
use jiff::Timestamp;
use regcarve_formats::ImageConfig;
use regcarve_policy_kit::convert::platform_from_contract;
use regcarve_policy_kit::policy::Image;
use regcarve_policy_kit::policy::image_contents::{ImageContents, PlatformImage};

use crate::Program;
use crate::values::{IMAGE, Shown, Texts};

/// The fields of `image`.
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

/// An image and the values that have been read of it, for one of its platforms at a time.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) repository: &'a str,
    pub(crate) image: &'a Image,
    opened: OnceLock<Opened>,
    index_annotations: OnceLock<BTreeMap<String, String>>,
    platforms: OnceLock<Vec<String>>,
    created: OnceLock<Option<Timestamp>>,
    /// The position of the platform image at hand.
    position: usize,
    labels: OnceLock<Texts>,
    annotations: OnceLock<Texts>,
    /// The first read error. The language has operators that take errors for an answer.
    failure: Mutex<Option<String>>,
}

/// The contents of an image, and the configs of its platforms as far as they have been read.
#[derive(Debug)]
struct Opened {
    contents: ImageContents,
    configs: Vec<OnceLock<Option<ImageConfig>>>,
}

/// The value of a cell, which is made the first time.
fn once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, String>) -> Result<&T, String> {
    if let Some(known) = cell.get() {
        return Ok(known);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

impl<'a> Facts<'a> {
    /// An image of which no blob has been read yet.
    pub(crate) fn of(repository: &'a str, image: &'a Image) -> Self {
        Self {
            repository,
            image,
            opened: OnceLock::new(),
            index_annotations: OnceLock::new(),
            platforms: OnceLock::new(),
            created: OnceLock::new(),
            position: 0,
            labels: OnceLock::new(),
            annotations: OnceLock::new(),
            failure: Mutex::new(None),
        }
    }

    /// An image without any value.
    pub(crate) fn nothing(image: &'a Image) -> Self {
        Self {
            platforms: OnceLock::from(Vec::new()),
            created: OnceLock::from(None),
            labels: OnceLock::from(Texts::default()),
            annotations: OnceLock::from(Texts::default()),
            ..Self::of("", image)
        }
    }

    /// The context in which expressions about this image are evaluated.
    pub(crate) fn context<'v>(&'v self, program: &Program) -> Context<'v, 'v> {
        let mut context = Context::with_env(Arc::clone(&program.env));
        context.add_variable_as_val(IMAGE, Box::new(Shown(self)));
        context
    }

    /// Goes on to the next platform; returns false if there is none, or if the result cannot differ for it.
    pub(crate) fn next_platform(&mut self) -> bool {
        let asked = self.labels.get().is_some() || self.annotations.get().is_some();
        let platforms = self.opened.get().map_or(0, |opened| opened.configs.len());
        if !asked || self.position + 1 >= platforms {
            return false;
        }
        self.position += 1;
        self.labels = OnceLock::new();
        self.annotations = OnceLock::new();
        true
    }

    /// The platform at hand, if the result could differ for another one: ` (linux/arm64)`.
    pub(crate) fn on_platform(&self) -> String {
        let asked = self.labels.get().is_some() || self.annotations.get().is_some();
        let image = self.platform_image().ok().flatten().filter(|_| asked);
        let named = image.and_then(|image| image.manifest.platform.as_ref());
        let platform = named.and_then(platform_from_contract);
        platform.map_or_else(String::new, |platform| format!(" ({platform})"))
    }

    /// Returns true if a field has been read already.
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
            let contents = self.image.contents()?;
            let images = contents.platform_images();
            let configs = images.map(|_| OnceLock::new()).collect();
            Ok(Opened { contents, configs })
        })
    }

    /// The platform image at hand; none in an index without manifests.
    fn platform_image(&self) -> Result<Option<PlatformImage<'_>>, String> {
        let contents = &self.opened()?.contents;
        Ok(contents.platform_images().nth(self.position))
    }

    fn config(
        &self,
        position: usize,
        image: PlatformImage<'_>,
    ) -> Result<Option<&ImageConfig>, String> {
        match self.opened()?.configs.get(position) {
            Some(cell) => Ok(once(cell, || image.config())?.as_ref()),
            None => Ok(None),
        }
    }

    pub(crate) fn labels(&self) -> Result<&Texts, String> {
        once(&self.labels, || {
            let Some(image) = self.platform_image()? else {
                return Ok(Texts::default());
            };
            let config = self.config(self.position, image)?;
            let labels = config.map(|config| &config.labels);
            Ok(Texts::of(labels.cloned().unwrap_or_default()))
        })
    }

    pub(crate) fn annotations(&self) -> Result<&Texts, String> {
        once(&self.annotations, || {
            let contents = &self.opened()?.contents;
            let above = once(&self.index_annotations, || contents.index_annotations())?;
            let mut all = above.clone();
            if let Some(image) = self.platform_image()? {
                all.extend(image.annotations()?);
            }
            Ok(Texts::of(all))
        })
    }

    pub(crate) fn platforms(&self) -> Result<&[String], String> {
        let all = once(&self.platforms, || {
            let named = self.image.platforms.iter();
            let named = named.filter_map(platform_from_contract);
            let mut all: Vec<_> = named.map(|platform| platform.to_string()).collect();
            // The platform of an image without index is in its config.
            if all.is_empty() {
                for image in self.opened()?.contents.platform_images() {
                    all.extend(image.platform()?.map(|platform| platform.to_string()));
                }
            }
            Ok(all)
        })?;
        Ok(all)
    }

    pub(crate) fn created(&self) -> Result<Option<Timestamp>, String> {
        let created = once(&self.created, || {
            let mut newest = None;
            let images = self.opened()?.contents.platform_images();
            for (position, image) in images.enumerate() {
                let config = self.config(position, image)?;
                newest = newest.max(image.created_with(config)?);
            }
            Ok(newest)
        })?;
        Ok(*created)
    }

    /// Records a read error.
    pub(crate) fn fail(&self, text: String) -> ExecutionError {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| text.clone());
        ExecutionError::InternalError(text)
    }

    /// The first read error.
    pub(crate) fn failure(&self) -> Option<String> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }
}
