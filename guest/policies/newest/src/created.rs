//! The newest images by the time of creation in their configs.

use std::collections::BTreeMap;

use regcarve_policy_kit::policy::created::Timestamp;
use regcarve_policy_kit::policy::{Decision, Image};

use super::greatest;

/// Decides on each image.
pub(super) fn decide(count: usize, images: &[Image]) -> Result<Vec<Decision>, String> {
    let mut times: BTreeMap<&str, Option<Timestamp>> = BTreeMap::new();
    for image in images {
        times.insert(&image.digest, None);
    }
    if times.len() <= count {
        return Ok(vec![Decision::Keep; images.len()]);
    }
    for image in images {
        if let Some(time @ None) = times.get_mut(image.digest.as_str()) {
            *time = image.created()?;
        }
    }
    // Images of one second are ordered by their digests: any order will do, as long as it is always the same one.
    let dated = times
        .iter()
        .filter_map(|(digest, time)| Some(((*time)?, *digest)));
    let newest = greatest(dated, count);
    let oldest = newest.last().map(|(time, _)| time.to_string());
    let oldest = oldest.unwrap_or_default();
    let decision = |image: &Image| match times.get(image.digest.as_str()).copied().flatten() {
        None => Decision::Drop("nothing in it says when it was made".into()),
        Some(time) if newest.contains(&(time, image.digest.as_str())) => Decision::Keep,
        Some(time) if count == 1 => {
            Decision::Drop(format!("made {time}; the newest one was made {oldest}"))
        }
        Some(time) => Decision::Drop(format!(
            "made {time}; the oldest of the newest {count} was made {oldest}"
        )),
    };
    Ok(images.iter().map(decision).collect())
}
