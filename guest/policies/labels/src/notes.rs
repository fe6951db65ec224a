//! What is written on an image, read place by place as far as rules need it.

use std::collections::BTreeMap;

use regcarve_policy_kit::policy::inside::{Inside, Part};

use super::{Place, Rule};

type Pairs = BTreeMap<String, String>;

/// What is written on the part at hand.
pub(crate) struct Notes<'a> {
    inside: &'a Inside,
    part: Option<Part<'a>>,
    sources: Vec<(Source, Option<Pairs>)>,
}

/// In the order in which they are read: most keys are labels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Config,
    Manifest,
    Index,
}

impl<'a> Notes<'a> {
    pub(crate) fn of(inside: &'a Inside, places: &[Place]) -> Self {
        let all = [Source::Config, Source::Manifest, Source::Index];
        let place = |source| match source {
            Source::Config => Place::Labels,
            Source::Manifest | Source::Index => Place::Annotations,
        };
        let sources = all
            .into_iter()
            .filter(|source| places.contains(&place(*source)));
        Self {
            inside,
            part: None,
            sources: sources.map(|source| (source, None)).collect(),
        }
    }

    /// Forgets what is written on the part before, but not what the index above both says.
    pub(crate) fn turn_to(&mut self, part: Option<Part<'a>>) {
        self.part = part;
        for (source, read) in &mut self.sources {
            if *source != Source::Index {
                *read = None;
            }
        }
    }

    /// What speaks against the part by this rule, if anything does.
    pub(crate) fn against(&mut self, rule: &Rule) -> Result<Option<String>, String> {
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
        let pairs = match (read.take(), *source, self.part) {
            (Some(pairs), _, _) => pairs,
            (None, Source::Index, _) => self.inside.index_annotations()?,
            (None, _, None) => Pairs::new(),
            (None, Source::Config, Some(part)) => part.labels()?,
            (None, Source::Manifest, Some(part)) => part.annotations()?,
        };
        Ok(read.insert(pairs))
    }
}
