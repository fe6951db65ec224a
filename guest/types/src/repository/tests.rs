use proptest::prelude::*;

use super::*;

#[test]
fn names_that_registries_store() {
    for name in [
        "a",
        "nginx",
        "library/nginx",
        "docker.io/library/nginx",
        "a.b_c__d-e--f---g/0",
        "team/sub/app",
        &"x".repeat(255),
        &format!("{}y", "x/".repeat(127)),
    ] {
        let repository = Repository::parse(name).expect(name);
        assert_eq!(repository.as_str(), name);
        assert_eq!(repository.to_string(), name);
        assert!(repository.as_str().split('/').all(|part| !part.is_empty()));
    }
}

#[test]
fn refused_names_say_why() {
    for (name, message) in [
        ("", "the name of the repository is empty"),
        ("/etc/passwd", "name starts with `/`"),
        (
            "library/Nginx",
            "upper case letter `N` at position 9: names are lower case",
        ),
        (
            "a//b",
            "nothing between two slashes, or behind the last one, at position 3",
        ),
        (
            "a/",
            "nothing between two slashes, or behind the last one, at position 3",
        ),
        (
            "a/../b",
            "component `..`: letters or digits, with `.`, `_`, `__` or `-` only between them",
        ),
        (
            "..",
            "component `..`: letters or digits, with `.`, `_`, `__` or `-` only between them",
        ),
        (
            "_layers",
            "component `_layers`: letters or digits, with `.`, `_`, `__` or `-` only between them",
        ),
        (
            "a/b-",
            "component `b-`: letters or digits, with `.`, `_`, `__` or `-` only between them",
        ),
        (
            "a..b",
            "component `a..b`: letters or digits, with `.`, `_`, `__` or `-` only between them",
        ),
        (
            "a___b",
            "component `a___b`: letters or digits, with `.`, `_`, `__` or `-` only between them",
        ),
        (
            "a._b",
            "component `a._b`: letters or digits, with `.`, `_`, `__` or `-` only between them",
        ),
        ("a\\b", r"`\\` at position 2 does not occur in names"),
        ("a\0", r"`\0` at position 2 does not occur in names"),
        ("%2e%2e", "`%` at position 1 does not occur in names"),
        ("nginx:1", "`:` at position 6 does not occur in names"),
        ("nginх", "`х` at position 5 does not occur in names"),
        (
            &"x".repeat(300),
            "name has 300 characters, 255 is the limit",
        ),
        (
            "localhost:5000/x",
            "`localhost:5000` looks like a registry host; storage names have none: leave it out",
        ),
        (
            "docker://host/x",
            "`docker://` is for addresses; storage names have neither that nor a host: leave both out",
        ),
    ] {
        let error = Repository::parse(name).expect_err(name);
        assert_eq!(error.to_string(), message, "{name:?}");
    }
}

#[test]
fn tags() {
    for tag in ["latest", "_", "1.27-alpine", "V2", "a..b", &"9".repeat(128)] {
        assert_eq!(Tag::parse(tag).expect(tag).to_string(), tag);
    }
    for (tag, message) in [
        ("", "the tag is empty"),
        (".", "tag starts with `.`"),
        ("-x", "tag starts with `-`"),
        ("a/b", "`/` at position 2 does not occur in tags"),
        ("a+b", "`+` at position 2 does not occur in tags"),
        ("ä", "`ä` at position 1 does not occur in tags"),
        ("a\n", r"`\n` at position 2 does not occur in tags"),
        (&"9".repeat(129), "tag has 129 characters, 128 is the limit"),
    ] {
        assert_eq!(
            Tag::parse(tag).expect_err(tag).to_string(),
            message,
            "{tag:?}"
        );
    }
}

/// The grammar of names once more: it takes a component apart from the left.
fn is_name(text: &str) -> bool {
    text.len() <= 255 && text.split('/').all(is_component)
}

fn is_component(component: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let rest = component.trim_start_matches(alphanumeric);
    if rest.len() == component.len() {
        return false;
    }
    if rest.is_empty() {
        return true;
    }
    let dashes = rest.trim_start_matches('-');
    let behind = if dashes.len() < rest.len() {
        dashes
    } else if let Some(behind) = rest.strip_prefix("__").or(rest.strip_prefix('_')) {
        behind
    } else if let Some(behind) = rest.strip_prefix('.') {
        behind
    } else {
        return false;
    };
    is_component(behind)
}

fn is_tag(text: &str) -> bool {
    let mut letters = text.chars();
    let word = |c: char| c == '_' || c.is_ascii_alphanumeric();
    text.len() <= 128
        && letters.next().is_some_and(word)
        && letters.all(|c| word(c) || c == '.' || c == '-')
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn names_follow_the_grammar(name in "[a-c0._/-]{0,12}|[a-zA-Z0-9._/:-]{0,20}|[a-z/]{250,260}|\\PC*") {
        prop_assert_eq!(Repository::parse(&name).is_ok(), is_name(&name));
    }

    #[test]
    fn well_formed_names_are_accepted(name in "[a-z0-9]{1,3}((\\.|_|__|-{1,4})[a-z0-9]{1,3}){0,3}(/[a-z0-9]{1,3}((\\.|_|__|-{1,4})[a-z0-9]{1,3}){0,3}){0,4}") {
        prop_assert!(Repository::parse(&name).is_ok());
    }

    #[test]
    fn tags_follow_the_grammar(tag in "[a-zA-Z0-9._-]{0,20}|[a-z]{126,130}|\\PC*") {
        prop_assert_eq!(Tag::parse(&tag).is_ok(), is_tag(&tag));
    }
}
