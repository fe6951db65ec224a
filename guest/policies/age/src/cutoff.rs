//! Cutoffs: times as settings state them.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use regcarve_policy_kit::policy::created::parse_setting;

/// A time, or a duration before the reference time.
#[derive(Debug)]
pub(crate) enum Cutoff {
    At(Timestamp),
    Back(Span),
}

/// The time that durations count back from.
#[derive(Debug)]
pub(crate) enum ReferenceTime {
    At(Timestamp),
    Newest,
}

impl Cutoff {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(time) = parse_setting(text) {
            return Ok(Self::At(time));
        }
        match text.parse::<Span>() {
            Ok(span) if span.is_negative() => {
                Err(format!("`{text}`: a duration counts back by itself"))
            }
            Ok(span) => Ok(Self::Back(span)),
            Err(_) => Err(format!(
                "`{text}` is neither a date (2026-01-01), nor a time (2026-01-01T12:00:00Z), nor a duration (90d)"
            )),
        }
    }

    pub(crate) fn counts_back(&self) -> bool {
        matches!(self, Self::Back(_))
    }

    /// The cutoff as a time, with `now` as the reference time. None if that is unknown, because no image states its own.
    pub(crate) fn at(&self, now: Option<Timestamp>) -> Option<Result<Timestamp, String>> {
        match self {
            Self::At(time) => Some(Ok(*time)),
            Self::Back(span) => {
                let now = TimeZone::UTC.to_datetime(now?);
                let then = now.checked_sub(*span);
                let then = then.and_then(|then| TimeZone::UTC.to_timestamp(then));
                Some(then.map_err(|_| format!("{span:#} before {now} is out of range")))
            }
        }
    }
}

impl ReferenceTime {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text == "newest" {
            return Ok(Self::Newest);
        }
        parse_setting(text).map(Self::At).ok_or_else(|| {
            format!("`{text}` is neither a date (2026-01-01), nor a time (2026-01-01T12:00:00Z), nor `newest`")
        })
    }
}
