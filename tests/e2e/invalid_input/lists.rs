//! Lists whose second line is no reference, or selects nothing.

use super::{Case, MISSING, case};

pub(crate) fn cases() -> Vec<Case> {
    let long = format!("{}:v1", "n".repeat(300));
    let endless = format!("team/{}:v1", "n".repeat(1 << 20));
    let long_tag = format!("team/bad:{}", "t".repeat(129));
    let lines: [(&str, &[u8]); 17] = [
        ("climbs", b"team/../bad:v1"),
        ("climbs at once", b"../../etc/passwd:v1"),
        ("has 300 characters", long.as_bytes()),
        ("has a million characters", endless.as_bytes()),
        ("has a tag of 129 characters", long_tag.as_bytes()),
        ("is not UTF-8", b"team/b\xffd:v1"),
        ("holds an overlong slash", b"\xc0\xaf.."),
        ("holds a surrogate", b"team/app:v1\xed\xa0\x80"),
        ("holds a NUL", b"team/bad\0:v1"),
        ("is a NUL", b"\0"),
        ("holds an escape", b"team/bad\x1b[31m:v1"),
        ("is in upper case", b"Team/Bad:v1"),
        ("names a folder of the storage", b"team/bad/_layers:v1"),
        ("has a short digest", b"team/bad@sha256:abc"),
        ("has a climbing digest", b"team/bad@sha256:../../../../x"),
        ("has a backslash", b"team\\bad:v1"),
        ("has an empty component", b"team//bad:v1"),
    ];
    let mut all = Vec::new();
    for (how, line) in lines {
        let what: &[&str] = &[
            "reference",
            "name",
            "tag",
            "digest",
            "UTF-8",
            "utf-8",
            "character",
            "long",
        ];
        all.push(case(format!("line that {how}"), MISSING, what, |bad| {
            bad.made.list = [b"team/good:v1\n", line, b"\nteam/bad:v1\n"].concat();
            "bad.list:2".to_owned()
        }));
    }
    let gone: [(&str, &str); 3] = [
        ("a tag that is not there", "team/bad:v2"),
        ("a repository that is not there", "team/none:v1"),
        ("a pattern that fits nothing", "team/none-*:v1"),
    ];
    for (how, line) in gone {
        all.push(case(
            format!("line with {how}"),
            MISSING,
            &["missing", "no ", "not "],
            |bad| {
                bad.made.list = format!("team/good:v1\n{line}\n").into_bytes();
                "bad.list:2".to_owned()
            },
        ));
    }
    all
}
