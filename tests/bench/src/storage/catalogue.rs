//! Which repositories a storage holds, with which tags, and which of them stand on the same base.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::Shape;

/// A repository to be written.
#[derive(Debug)]
pub(super) struct Repository {
    /// Such as `library/nginx-17`.
    pub(super) name: String,
    /// One image each.
    pub(super) tags: Vec<String>,
    /// All repositories of a family share their base layers.
    pub(super) family: usize,
}

impl Repository {
    /// All `name:tag` of this repository.
    pub(super) fn references(&self) -> impl Iterator<Item = String> {
        self.tags.iter().map(|tag| format!("{}:{tag}", self.name))
    }
}

const WORDS: [&str; 12] = [
    "nginx", "redis", "postgres", "gateway", "billing", "search", "reports", "worker", "proxy",
    "metrics", "mailer", "console",
];
const TEAMS: [&str; 5] = ["platform", "payments", "data", "mobile", "infra"];

/// The invented repositories, with those of `include` spread among them.
pub(super) fn repositories(shape: &Shape, include: &[String]) -> Result<Vec<Repository>> {
    let tags_each = shape.tags_per_repo.max(1);
    let per_family = shape.repos_per_family.max(1);
    let mut all: Vec<Repository> = (0..shape.images.div_ceil(tags_each))
        .map(|index| {
            let tags = tags_each.min(shape.images - index * tags_each);
            Repository {
                name: name(index),
                tags: (0..tags).map(|number| tag(index, number)).collect(),
                family: index / per_family,
            }
        })
        .collect();
    let families = 1 + all.last().map_or(0, |last| last.family);

    let wanted = grouped(include)?;
    let (before, count) = (all.len(), wanted.len());
    for (index, (name, tags)) in wanted.into_iter().enumerate() {
        // Places grow by one with every repository put in before.
        let place = index * before / count + index;
        let family = index % families;
        all.insert(place, Repository { name, tags, family });
    }
    Ok(all)
}

/// References by repository, tags in the order given.
fn grouped(references: &[String]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for reference in references {
        let (name, tag) = reference
            .rsplit_once(':')
            .with_context(|| format!("`{reference}` is not name:tag"))?;
        let tags = groups.entry(name.to_owned()).or_default();
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    Ok(groups)
}

fn name(index: usize) -> String {
    let word = WORDS[index % WORDS.len()];
    let team = TEAMS[index / 4 % TEAMS.len()];
    match index % 4 {
        0 | 1 => format!("library/{word}-{index}"),
        2 => format!("{team}/{word}-{index}"),
        _ => format!("{team}/{word}/service-{index}"),
    }
}

fn tag(index: usize, number: usize) -> String {
    let (major, minor, patch) = (1 + number / 20, number / 4 % 5, number % 4);
    match index % 3 {
        0 => format!("{major}.{minor}.{patch}"),
        1 => format!("v{major}.{minor}.{patch}"),
        _ => format!("{major}.{minor}.{patch}-alpine"),
    }
}
