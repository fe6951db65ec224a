//! `age`: images by their time of creation.
//!
//! ```json
//! { "newer_than": "2026-01-01", "older_than": "7d", "now": "2026-11-24T06:00:00Z" }
//! ```
//!
//! Short: `age=2026-01-01..2026-07-01`, each side of which may be left out; `age=2026-01-01` is `age=2026-01-01..`.
//!
//! A cutoff is a date, a time (`2026-01-01T12:00:00+02:00`), or a duration (`90d`, `6 months`, `P1Y`) that counts back from
//! `now`. A date means its first moment, in UTC.
//!
//! **A policy has no clock**, so that the same input always gets the same answer, also when a release is made again next
//! year. Pass the date: `"now": "'$(date -u +%F)'"` in a shell. The other choice is `"now": "newest"`: durations count back
//! from the newest image of the same repository among those that are requested.
//!
//! The creation time of an image is that of its newest platform, as its configs say. Reproducible builds state a time of
//! their own, mostly 1970; a time before 2013, when there were no images, counts as unknown.

use jiff::Timestamp;
use regcarve_policy_kit::policy::{Decision, Diagnostic, Diagnostics, Image, Policy, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

mod cutoff;
#[cfg(test)]
mod tests;

use cutoff::{Cutoff, ReferenceTime};

/// The age of images that stay. Short: `2026-01-01..2026-07-01`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Age {
    /// Images stay that were made at this time or later: a date, a time, or a duration that counts back from `now`.
    newer_than: Option<String>,
    /// Images stay that were made before this: a date, a time, or a duration that counts back from `now`.
    older_than: Option<String>,
    /// The time that durations count back from: a date, a time, or `newest`, which is the newest image of the same repository.
    now: Option<String>,
    /// Keep images whose time of creation is unknown.
    #[serde(default)]
    keep_undated: bool,
    /// The fate of an image of another age.
    #[serde(default)]
    verdict: Verdict,
    #[serde(skip)]
    cutoffs: Cutoffs,
}

#[derive(Debug, Default)]
struct Cutoffs {
    newer_than: Option<Cutoff>,
    older_than: Option<Cutoff>,
    now: Option<ReferenceTime>,
}

impl Policy for Age {
    const NAME: &'static str = "age";
    const SUMMARY: &'static str = "Keeps images that were made after or before a time.";

    fn shorthand(value: Value) -> Result<Value, String> {
        let Value::String(text) = value else {
            return Err("write it like `age=2026-01-01..2026-07-01`".into());
        };
        let (from, to) = text.split_once("..").unwrap_or((&text, ""));
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(json!({ "newer_than": given(from), "older_than": given(to) }))
    }

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        let mut wrong = Diagnostics::new();
        let mut read = |path, text: &Option<String>| {
            text.as_deref()
                .and_then(|text| wrong.check(path, Cutoff::parse(text)))
        };
        self.cutoffs.newer_than = read("/newer_than", &self.newer_than);
        self.cutoffs.older_than = read("/older_than", &self.older_than);
        let now = self.now.as_deref();
        self.cutoffs.now = now.and_then(|text| wrong.check("/now", ReferenceTime::parse(text)));
        if self.newer_than.is_none() && self.older_than.is_none() {
            wrong.note("", "name `newer_than`, `older_than`, or both");
        }
        let cutoffs = [&self.cutoffs.newer_than, &self.cutoffs.older_than];
        let counts_back = cutoffs.into_iter().flatten().any(Cutoff::counts_back);
        if counts_back && self.now.is_none() {
            wrong.note(
                "/now",
                "a duration counts back from `now`, and a policy has no clock: name a date, or `newest` for the newest image of the repository",
            );
        }
        if !counts_back && self.cutoffs.now.is_some() {
            wrong.note(
                "/now",
                "means nothing where no duration counts back from it",
            );
        }
        wrong.finish()
    }

    fn decide_all(&mut self, _repository: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
        let made: Vec<_> = images
            .iter()
            .map(Image::created)
            .collect::<Result<_, _>>()?;
        let now = match self.cutoffs.now {
            Some(ReferenceTime::Newest) => made.iter().flatten().max().copied(),
            Some(ReferenceTime::At(time)) => Some(time),
            None => None,
        };
        let at = |cutoff: &Option<Cutoff>| {
            cutoff
                .as_ref()
                .and_then(|cutoff| cutoff.at(now))
                .transpose()
        };
        let (from, to) = (at(&self.cutoffs.newer_than)?, at(&self.cutoffs.older_than)?);
        Ok(made
            .into_iter()
            .map(|made| self.decision(made, from, to))
            .collect())
    }
}

impl Age {
    fn decision(
        &self,
        made: Option<Timestamp>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Decision {
        let Some(made) = made else {
            return match self.keep_undated {
                true => Decision::Keep,
                false => self.verdict.against("nothing in it says when it was made"),
            };
        };
        match (from, to) {
            (Some(from), _) if made < from => self
                .verdict
                .against(format!("made {made}, which is before {from}")),
            (_, Some(to)) if made >= to => self
                .verdict
                .against(format!("made {made}, which is not before {to}")),
            _ => Decision::Keep,
        }
    }
}

regcarve_policy_kit::policy!(Age);
