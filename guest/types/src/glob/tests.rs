use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn matches(glob: &str, name: &str) -> bool {
    Glob::parse(glob).expect(glob).matches(name)
}

#[test]
fn names_that_match() {
    for (glob, names) in [
        ("nginx", &["nginx"][..]),
        ("nginx*", &["nginx", "nginx-x"]),
        ("library/*", &["library/a", "library/b-c"]),
        ("*/*", &["a/b"]),
        ("**", &["a", "a/b", "a/b/c"]),
        ("**/app", &["app", "a/app", "a/b/app"]),
        ("team/**", &["team/a", "team/a/b"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b", "a/b/b"]),
        ("**/a*/**/b", &["a/b", "x/ab/y/b", "a/a/a/b"]),
        ("**/**/x", &["x", "a/x", "a/b/x"]),
        ("1.2?", &["1.27", "1.2x"]),
        ("v[0-9]*", &["v1", "v0.1"]),
        ("[!a-c]", &["d", "A", "-"]),
        ("[^a-c]", &["d"]),
        ("[a-]", &["a", "-"]),
        ("[-a]", &["a", "-"]),
        ("1.27{,-alpine}", &["1.27", "1.27-alpine"]),
        ("{a,b{c,d}}e", &["ae", "bce", "bde"]),
        ("{team/,}**", &["team/a", "a", "a/b"]),
        ("{a,**}/b", &["a/b", "b", "x/y/b"]),
        ("*a*b*", &["ab", "xaxbx", "aab"]),
    ] {
        for name in names {
            assert!(matches(glob, name), "{glob} should match {name}");
        }
    }
}

#[test]
fn names_that_do_not_match() {
    for (glob, names) in [
        ("nginx", &["nginx2", "ngin", "Nginx", ""][..]),
        ("*", &["a/b", "/"]),
        ("library/*", &["library", "library/a/b", "xlibrary/a"]),
        ("**/app", &["xapp", "a/xapp", "app/x"]),
        ("team/**", &["team", "teams/a", "x/team/a"]),
        ("a/**/b", &["ab", "a/xb", "a/x/bb"]),
        ("?", &["/", "", "ab"]),
        ("[!a-c]", &["a", "b", "/", ""]),
        ("[.-0]", &["/", "1"]),
        ("{a,b}c", &["abc", "c"]),
        ("*a*b*", &["a/b", "ba"]),
        ("a*/b", &["ax/y/b"]),
    ] {
        for name in names {
            assert!(!matches(glob, name), "{glob} should not match {name}");
        }
    }
}

#[test]
fn refused_globs_say_why() {
    for (glob, message) in [
        ("", "the glob is empty"),
        (
            "a b",
            "` ` at position 2 occurs neither in names nor in globs",
        ),
        (
            "a:*",
            "`:` at position 2 occurs neither in names nor in globs",
        ),
        (
            "a\\*",
            r"`\\` at position 2 occurs neither in names nor in globs",
        ),
        (
            "[ä]",
            "`ä` at position 2 occurs neither in names nor in globs",
        ),
        (
            "[a/b]",
            "`/` at position 3 occurs neither in names nor in globs",
        ),
        (
            "!a",
            "`!` at position 1 stands outside of the brackets or braces it belongs in",
        ),
        (
            "a]",
            "`]` at position 2 stands outside of the brackets or braces it belongs in",
        ),
        (
            "a}",
            "`}` at position 2 stands outside of the brackets or braces it belongs in",
        ),
        (
            "a,b",
            "`,` at position 2 stands outside of the brackets or braces it belongs in",
        ),
        ("a[bc", "`[` at position 2 is never closed"),
        ("a[b-", "`[` at position 2 is never closed"),
        ("a{b,c", "`{` at position 2 is never closed"),
        ("{{a}", "`{` at position 1 is never closed"),
        ("a[]", "the brackets at position 2 are empty"),
        ("a[!]", "the brackets at position 2 are empty"),
        ("[z-a]", "the range `z-a` at position 2 runs backwards"),
        (
            "a**",
            "`**` at position 2 must stand alone between slashes, as in `team/**`",
        ),
        (
            "x/**b",
            "`**` at position 3 must stand alone between slashes, as in `team/**`",
        ),
        (
            "***",
            "`**` at position 1 must stand alone between slashes, as in `team/**`",
        ),
        (
            "{a,b}**",
            "`**` at position 6 must stand alone between slashes, as in `team/**`",
        ),
        (
            &"{a,b}".repeat(9),
            "braces stand for more than 256 globs: write several lines",
        ),
        (
            &"{".repeat(9),
            "braces at position 9 are nested deeper than 8 levels",
        ),
        (
            &"x".repeat(513),
            "glob has 513 characters, 512 is the limit",
        ),
    ] {
        assert_eq!(
            Glob::parse(glob).expect_err(glob).to_string(),
            message,
            "{glob}"
        );
    }
}

/// No glob may take time that grows faster than the product of the lengths.
#[test]
fn clever_globs_are_quick() {
    let star = |unit: &str, times: usize| format!("{}b", unit.repeat(times));
    for glob in [
        star("*a", 200),
        star("?*", 200),
        star("{*a,*a}", 8),
        star("**/*a/", 80),
        star("*a/**/", 80),
        format!("**/{}", star("*a", 200)),
    ] {
        let glob = Glob::parse(&glob).expect("well formed");
        let started = Instant::now();
        for name in ["a".repeat(255), "a/".repeat(127), "aaa/".repeat(63)] {
            assert!(!glob.matches(&name));
        }
        assert!(started.elapsed() < Duration::from_millis(500), "{glob}");
    }
}

/// Backtracking in the plainest way, for globs without brackets and braces.
fn slowly(glob: &[u8], name: &[u8]) -> bool {
    match glob {
        [] => name.is_empty(),
        [b'*', b'*'] => true,
        [b'*', b'*', b'/', rest @ ..] => {
            let slashes = name.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            slowly(rest, name)
                || slashes
                    .into_iter()
                    .any(|(at, _)| slowly(rest, &name[at + 1..]))
        }
        [b'*', rest @ ..] => {
            let reach = name
                .iter()
                .position(|byte| *byte == b'/')
                .unwrap_or(name.len());
            (0..=reach).any(|taken| slowly(rest, &name[taken..]))
        }
        [b'?', rest @ ..] => {
            name.first().is_some_and(|byte| *byte != b'/') && slowly(rest, &name[1..])
        }
        [letter, rest @ ..] => name.first() == Some(letter) && slowly(rest, &name[1..]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_the_plainest_matcher(
        glob in "(\\*\\*/)?[ab*?]{0,3}(/(\\*\\*/)?[ab*?]{1,3}){0,3}",
        name in "[ab]{1,3}(/[ab]{1,3}){0,4}",
    ) {
        if let Ok(parsed) = Glob::parse(&glob) {
            prop_assert_eq!(parsed.matches(&name), slowly(glob.as_bytes(), name.as_bytes()));
        }
    }

    #[test]
    fn agrees_with_fast_glob(
        glob in "(\\*\\*/)?([ab?]|\\*[ab]|\\[[!^]?[a-c]{1,2}\\]|\\{[ab]{0,2},[ab*]{0,1}[ab]\\}){1,4}(/(\\*\\*/)?([ab?]|\\*[ab]){1,3}){0,2}",
        name in "[ab]{1,3}(/[ab]{1,3}){0,3}",
    ) {
        if let Ok(parsed) = Glob::parse(&glob) {
            prop_assert_eq!(parsed.matches(&name), fast_glob::glob_match(&glob, &name));
        }
    }

    #[test]
    fn every_name_matches_itself_and_the_stars(name in "[a-z0-9._-]{1,9}(/[a-z0-9._-]{1,9}){0,3}") {
        prop_assert!(matches(&name, &name));
        prop_assert!(matches("**", &name));
        let stars: String = name.split('/').map(|_| "*").collect::<Vec<_>>().join("/");
        prop_assert!(matches(&stars, &name));
    }

    #[test]
    fn nothing_panics(glob in "[ab*?{},!\\[\\]/^-]{0,40}|\\PC*", name in "[ab/]{0,20}|\\PC*") {
        if let Ok(parsed) = Glob::parse(&glob) {
            let matched = parsed.matches(&name);
            let plain = glob.find(is_syntax).unwrap_or(glob.len());
            prop_assert!(!matched || name.starts_with(&glob[..plain]));
        }
    }
}
