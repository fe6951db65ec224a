use proptest::prelude::*;

use super::*;

const DIGEST: &str = "sha256:0c1f2e3d4c5b6a79880716253443526170ffeeddccbbaa998877665544332211";

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect(text)
}

#[test]
fn a_line_without_wildcards_is_a_reference() {
    let exact = pattern("library/nginx:1.27");
    assert_eq!(
        exact.exact().map(|r| r.to_string()).as_deref(),
        Some("library/nginx:1.27")
    );
    assert!(exact.matches_repository("library/nginx") && !exact.matches_repository("nginx"));
    assert!(exact.matches_tag("1.27") && !exact.matches_tag("1.2"));

    let pinned = pattern(&format!("nginx@{DIGEST}"));
    assert!(pinned.exact().is_some());
    assert!(pinned.matches_repository("nginx") && !pinned.matches_tag("latest"));
}

#[test]
fn parts_without_wildcards_are_known_by_name() {
    for (text, repository, tag) in [
        ("library/nginx:1.*", Some("library/nginx"), None),
        ("library/*:latest", None, Some("latest")),
        ("**/app:*", None, None),
        ("nginx:1", Some("nginx"), Some("1")),
    ] {
        let pattern = pattern(text);
        assert_eq!(pattern.repository().map(Repository::as_str), repository);
        assert_eq!(pattern.tag().map(Tag::as_str), tag);
        assert_eq!(pattern.to_string(), text);
    }
}

#[test]
fn both_parts_match() {
    for (text, repository, tag, expected) in [
        ("library/nginx:1.*", "library/nginx", "1.27", true),
        ("library/nginx:1.*", "library/nginx", "2.0", false),
        ("library/*:latest", "library/nginx", "latest", true),
        ("library/*:latest", "library/a/b", "latest", false),
        ("**/app:*", "x/y/app", "anything", true),
        ("a{,b}:{1,2}.[0-9]", "ab", "2.7", true),
        ("a:V?", "a", "V1", true),
    ] {
        let pattern = pattern(text);
        assert_eq!(
            pattern.matches_repository(repository) && pattern.matches_tag(tag),
            expected,
            "{text}"
        );
    }
}

#[test]
fn refusals() {
    for (text, message) in [
        (
            "nginx",
            "`nginx` names no tag: write `nginx:latest` for one tag or `nginx:*` for all",
        ),
        (
            "library/*",
            "`library/*` names no tags: write `library/*:latest` for one tag or `library/*:*` for all",
        ),
        (
            "localhost:5000/*:1",
            "`localhost:5000` looks like a registry host; storage names have none: leave it out",
        ),
        ("/a*:1", "name starts with `/`"),
        (
            "Library/*:1",
            "upper case letter `L` at position 1: names are lower case",
        ),
        (
            "a//b:*",
            "nothing between two slashes, or behind the last one, at position 3",
        ),
        ("*:a/b", "`/` at position 2 does not occur in tags"),
        ("*:a/*", "`/` at position 2 does not occur in tags"),
        ("*:", "the tag is empty"),
        (":*", "the name of the repository is empty"),
        (
            "[a:b]:*",
            "in the pattern for repositories: `[` at position 1 is never closed",
        ),
        ("a*:b:c", "`:` at position 2 does not occur in tags"),
        (
            "a*:b:*",
            "in the pattern for tags: `:` at position 2 occurs neither in names nor in globs",
        ),
        (
            &format!("a*@{DIGEST}"),
            "a digest names one image, so nothing beside it can be a pattern",
        ),
    ] {
        assert_eq!(
            Pattern::parse(text).expect_err(text).to_string(),
            message,
            "{text}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_text_comes_back(text in "[a-z*?{},/:@\\[\\]!.-]{0,24}|[a-z*]{1,4}(/[a-z*]{1,4}){0,2}:[a-zA-Z0-9*]{1,5}|\\PC*") {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(pattern.to_string(), text);
        }
    }
}
