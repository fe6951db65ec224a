use proptest::prelude::*;

use super::*;

fn platform(text: &str) -> Platform {
    Platform::parse(text).expect(text)
}

#[test]
fn one_name_for_one_machine() {
    for (text, shown) in [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("Linux/AMD64", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/arm/7", "linux/arm/v7"),
        ("linux/arm", "linux/arm"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/i386", "linux/386"),
        ("macos/arm64", "darwin/arm64"),
        ("unknown/unknown", "unknown/unknown"),
        ("windows(10.0.17763.1)/amd64", "windows(10.0.17763.1)/amd64"),
    ] {
        assert_eq!(platform(text).to_string(), shown);
    }
}

#[test]
fn attestations_have_an_unknown_platform() {
    assert!(platform("unknown/unknown").is_unknown());
    assert!(!platform("linux/amd64").is_unknown());
}

#[test]
fn refusals() {
    for (text, message) in [
        (
            "",
            "`` is not a platform: write it like `linux/amd64` or `linux/arm/v7`",
        ),
        (
            "linux",
            "`linux` is not a platform: write it like `linux/amd64` or `linux/arm/v7`",
        ),
        (
            "a/b/c/d",
            "`a/b/c/d` is not a platform: write it like `linux/amd64` or `linux/arm/v7`",
        ),
        (
            "a/b/",
            "`a/b/` is not a platform: write it like `linux/amd64` or `linux/arm/v7`",
        ),
        (
            "w(1/b",
            "`w(1/b` is not a platform: write it like `linux/amd64` or `linux/arm/v7`",
        ),
        (
            "/amd64",
            "a platform needs an operating system and an architecture, as in `linux/amd64`",
        ),
        ("linux/am d", "` ` in `am d` does not occur in platforms"),
        (
            "linux/amd64\n",
            r"`\n` in `amd64\n` does not occur in platforms",
        ),
    ] {
        assert_eq!(Platform::parse(text).expect_err(text).to_string(), message);
    }
    assert!(Platform::new("linux", &"x".repeat(65), None, None).is_err());
}

#[test]
fn empty_fields_of_a_manifest_are_none() {
    let made = Platform::new("linux", "amd64", Some(""), Some("")).expect("well formed");
    assert_eq!(made, platform("linux/amd64"));
}

#[test]
fn parts_left_open_match() {
    for (image, wanted, expected) in [
        ("linux/amd64", "linux/amd64", true),
        ("linux/amd64", "linux/arm64", false),
        ("linux/amd64", "windows/amd64", false),
        ("linux/arm/v6", "linux/arm", true),
        ("linux/arm", "linux/arm/v7", true),
        ("linux/arm", "linux/arm/v6", false),
        ("linux/arm/v6", "linux/arm/v7", false),
        ("linux/arm64/v8", "linux/arm64", true),
        ("linux/arm64", "linux/arm64/v8", true),
        ("linux/amd64/v3", "linux/amd64", true),
        ("linux/amd64", "linux/amd64/v3", false),
        ("windows(10.0.17763.99)/amd64", "windows/amd64", true),
        (
            "windows(10.0.17763.99)/amd64",
            "windows(10.0.17763)/amd64",
            true,
        ),
        (
            "windows(10.0.177639)/amd64",
            "windows(10.0.17763)/amd64",
            false,
        ),
        ("windows/amd64", "windows(10.0.17763)/amd64", false),
    ] {
        assert_eq!(
            platform(image).matches(&platform(wanted)),
            expected,
            "{image} for {wanted}"
        );
    }
}

proptest! {
    #[test]
    fn the_shown_text_means_the_same(text in "[a-z0-9]{1,6}(\\([0-9.]{1,5}\\))?/[a-zA-Z0-9_]{1,6}(/v?[0-9]{1,2})?|linux/(arm|arm64|amd64|x86_64|armhf)(/v?[1-9])?") {
        let first = platform(&text);
        prop_assert_eq!(platform(&first.to_string()), first);
    }

    #[test]
    fn nothing_panics(text in "\\PC*") {
        let _ = Platform::parse(&text);
    }
}
