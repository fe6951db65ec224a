//! The time at which an image was created.

use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use jiff::Timestamp;

/// The annotation with the time of creation.
pub const CREATED: &str = "org.opencontainers.image.created";

/// The start of 2013, when there were no container images, in seconds.
const NO_IMAGES_YET: i64 = 1_356_998_400;

/// Reads a time as images state it: RFC 3339, with any offset.
///
/// Reproducible builds write a time of their own choice, such as 1970-01-01 (`SOURCE_DATE_EPOCH=0`),
/// 1980-01-01 (buildpacks) or the year 1. A time before 2013 is one of these and says nothing.
pub fn parse(text: &str) -> Option<Timestamp> {
    let read: Timestamp = text.parse().ok()?;
    (read.as_second() >= NO_IMAGES_YET).then_some(read)
}

/// Reads a time as it is written in settings: as images state it, or a date, which means its first moment in UTC.
/// A time of day without an offset is refused, because it could be any of many times.
pub fn parse_setting(text: &str) -> Option<Timestamp> {
    if text.len() > "2026-01-01".len() {
        return text.parse().ok();
    }
    let date: Date = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_setting};

    #[test]
    fn settings() {
        for (text, expected) in [
            ("2026-01-01", Some("2026-01-01T00:00:00Z")),
            ("2026-01-01T12:00:00+02:00", Some("2026-01-01T10:00:00Z")),
            ("1970-01-01", Some("1970-01-01T00:00:00Z")),
            ("2026-01-01T12:00:00", None),
            ("2026-02-30", None),
            ("90d", None),
        ] {
            let read = parse_setting(text).map(|time| time.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("2024-05-01T12:00:00Z", Some("2024-05-01T12:00:00Z")),
            (
                "2024-05-01T12:00:00.123456789Z",
                Some("2024-05-01T12:00:00.123456789Z"),
            ),
            ("2024-05-01T14:00:00+02:00", Some("2024-05-01T12:00:00Z")),
            ("2013-01-01T00:00:00Z", Some("2013-01-01T00:00:00Z")),
            ("2012-12-31T23:59:59Z", None),
            ("1970-01-01T00:00:00Z", None),
            ("1980-01-01T00:00:01Z", None),
            ("0001-01-01T00:00:00Z", None),
            ("2024-05-01", None),
            ("yesterday", None),
            ("", None),
        ] {
            let read = parse(text).map(|time| time.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
