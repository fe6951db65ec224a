//! Labels and annotations of an image, read place by place as far as rules need them.

use std::collections::BTreeMap;

use regcarve_policy_kit::policy::image_contents::{ImageContents, PlatformImage};

use super::{Place, Rule};

type Pairs = BTreeMap<String, String>;

/// The labels and annotations of the platform image at hand.
pub(crate) struct Written<'a> {
    contents: &'a ImageContents,
    image: Option<PlatformImage<'a>>,
    sources: Vec<(Source, Option<Pairs>)>,
}

/// A blob with labels or annotations, in the order in which they are read: most keys are labels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Config,
    Manifest,
    Index,
}

impl<'a> Written<'a> {
    pub(crate) fn of(contents: &'a ImageContents, places: &[Place]) -> Self {
        let all = [Source::Config, Source::Manifest, Source::Index];
        let place = |source| match source {
            Source::Config => Place::Labels,
            Source::Manifest | Source::Index => Place::Annotations,
        };
        let sources = all
            .into_iter()
            .filter(|source| places.contains(&place(*source)));
        Self {
            contents,
            image: None,
            sources: sources.map(|source| (source, None)).collect(),
        }
    }

    /// Goes on to another platform image. Forgets what was read of the one before, but not of the index above both.
    pub(crate) fn turn_to(&mut self, image: Option<PlatformImage<'a>>) {
        self.image = image;
        for (source, read) in &mut self.sources {
            if *source != Source::Index {
                *read = None;
            }
        }
    }

    /// The way in which the platform image breaks this rule, if it does.
    pub(crate) fn violation(&mut self, rule: &Rule) -> Result<Option<String>, String> {
        let mut other = None;
        for position in 0..self.sources.len() {
            let Some(value) = self.read(position)?.get(&rule.key) else {
                continue;
            };
            match (rule.matches(value), rule.required) {
                (true, true) => return Ok(None),
                (true, false) => return Ok(Some(format!("`{}` is `{value}`", rule.key))),
                (false, _) => other = other.or_else(|| Some(value.clone())),
            }
        }
        if !rule.required {
            return Ok(None);
        }
        let found = match other {
            Some(value) => format!("`{}` is `{value}`", rule.key),
            None => format!("it has no `{}`", rule.key),
        };
        Ok(Some(format!("{found}; required is {}", rule.wanted())))
    }

    fn read(&mut self, position: usize) -> Result<&Pairs, String> {
        let (source, read) = &mut self.sources[position];
        let pairs = match (read.take(), *source, self.image) {
            (Some(pairs), _, _) => pairs,
            (None, Source::Index, _) => self.contents.index_annotations()?,
            (None, _, None) => Pairs::new(),
            (None, Source::Config, Some(image)) => image.labels()?,
            (None, Source::Manifest, Some(image)) => image.annotations()?,
        };
        Ok(read.insert(pairs))
    }
}
