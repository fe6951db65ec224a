//! The newest images by the versions in their tags.

use std::collections::{BTreeMap, BTreeSet};

use regcarve_policy_kit::policy::version::Version;
use regcarve_policy_kit::policy::{Decision, Image};

use super::{Newest, Others, greatest};

/// An image whose tag states a version, with its position among the images.
struct Tagged<'a> {
    position: usize,
    image: &'a Image,
    version: Version,
}

/// Decides on each image.
pub(super) fn decide(settings: &Newest, images: &[Image]) -> Vec<Decision> {
    let mut decisions = vec![Decision::Keep; images.len()];
    let mut variants: BTreeMap<&str, Vec<Tagged<'_>>> = BTreeMap::new();
    let mut others = Vec::new();
    for (position, image) in images.iter().enumerate() {
        let (tag, variant) = split(settings, image.tag());
        match Version::of_tag(tag) {
            None => others.push(position),
            Some(version) if version.is_prerelease() && settings.prereleases != Some(true) => {
                decisions[position] = Decision::Drop(format!("`{}` is a pre-release", image.tag()));
            }
            Some(version) => variants.entry(variant).or_default().push(Tagged {
                position,
                image,
                version,
            }),
        }
    }
    let mut staying = BTreeSet::new();
    for (variant, tagged) in &variants {
        let newest = greatest(tagged.iter().map(|one| &one.version), settings.count.get());
        let reason = older(settings, variant, tagged, &newest);
        for one in tagged {
            if newest.contains(&&one.version) {
                staying.insert(one.image.digest.as_str());
            } else {
                decisions[one.position] = Decision::Drop(reason.clone());
            }
        }
    }
    for position in others {
        decisions[position] = other(settings, &images[position], &staying);
    }
    decisions
}

/// A tag without the ending of its variant, and that ending; the longest one that fits.
fn split<'a>(settings: &'a Newest, tag: &'a str) -> (&'a str, &'a str) {
    let endings = settings.variants.iter().flatten();
    let fitting = endings.filter_map(|ending| {
        let ending = ending.trim_start_matches('-');
        let rest = tag.strip_suffix(ending)?.strip_suffix('-')?;
        Some((rest, ending))
    });
    fitting
        .max_by_key(|(_, ending)| ending.len())
        .unwrap_or((tag, ""))
}

/// The reason why the older versions are dropped.
fn older(settings: &Newest, variant: &str, tagged: &[Tagged<'_>], newest: &[&Version]) -> String {
    let names: Vec<_> = newest
        .iter()
        .filter_map(|version| tagged.iter().find(|one| &one.version == *version))
        .map(|one| one.image.tag())
        .collect();
    let of = if variant.is_empty() {
        String::new()
    } else {
        format!(" of `{variant}`")
    };
    let names = names.join(", ");
    match settings.count.get() {
        1 => format!("not the newest version{of}, which is {names}"),
        count => format!("not among the newest {count} versions{of}, which are {names}"),
    }
}

/// Decides on an image without a version.
fn other(settings: &Newest, image: &Image, staying: &BTreeSet<&str>) -> Decision {
    let what = match &image.tag {
        Some(tag) => format!("`{tag}` is not a version"),
        None => "it has no tag".into(),
    };
    match settings.others.unwrap_or_default() {
        Others::Keep => Decision::Keep,
        Others::Same if staying.contains(image.digest.as_str()) => Decision::Keep,
        Others::Same => Decision::Drop(format!(
            "{what}, nor the same image as a version that stays"
        )),
        Others::Drop => Decision::Drop(what),
    }
}
