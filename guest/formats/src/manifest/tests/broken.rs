//! Bytes that are no manifest, and manifests larger than any real one.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[test]
fn not_json() {
    let good = format!(r#"{{"schemaVersion":2,"config":{}}}"#, plain(1));
    assert!(parse(&good).is_ok());
    for text in [
        "",
        " ",
        "[]",
        "1",
        "\"x\"",
        &good[..good.len() - 1],
        &format!("{good}x"),
        &format!("{good}{good}"),
        &format!("\u{feff}{good}"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(
            matches!(error, ManifestError::Json { .. }),
            "{text}: {error}"
        );
    }
    let mut not_utf8 = good.replace("\"t\"", "\"?\"").into_bytes();
    let at = not_utf8
        .iter()
        .position(|byte| *byte == b'?')
        .expect("there is one");
    not_utf8[at] = 0xff;
    assert!(Manifest::parse(&not_utf8).is_err());
    let long = format!(r#"{{"schemaVersion":"{}"}}"#, "x".repeat(100_000));
    assert!(refused(&long).len() < 200);
}

#[test]
fn depth() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(
            r#"{{"schemaVersion":2,"config":{},"x":{open}{close}}}"#,
            plain(1)
        )
    };
    assert!(parse(&nested(127)).is_ok());
    assert!(refused(&nested(129)).contains("recursion limit"));
    assert!(refused(&nested(1_000_000)).contains("recursion limit"));
}

#[test]
fn size_and_number_of_children() {
    let padded = |length: usize| {
        let start = format!(r#"{{"schemaVersion":2,"config":{}"#, plain(1));
        let spaces = " ".repeat(length - start.len() - 1);
        format!("{start}{spaces}}}")
    };
    assert!(parse(&padded(MAX_MANIFEST_BYTES)).is_ok());
    assert_eq!(
        refused(&padded(MAX_MANIFEST_BYTES + 1)),
        "manifest of 4194305 bytes, 4194304 is the limit"
    );

    let children = |count: usize| {
        let list: Vec<_> = std::iter::repeat_n(plain(1), count).collect();
        format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, list.join(","))
    };
    assert!(parse(&children(MAX_INDEX_CHILDREN)).is_ok());
    assert_eq!(
        refused(&children(MAX_INDEX_CHILDREN + 1)),
        "manifests: more than 10000 entries"
    );
}

#[test]
fn the_worst_of_four_megabytes_is_refused_quickly() {
    for filler in [
        "[",
        "{\"\":",
        "[],",
        "\"\",",
        "0,",
        "\\u0000",
        "{},",
        "\"a\":{},",
    ] {
        for key in [
            "x",
            "layers",
            "annotations",
            "schemaVersion",
            "history",
            "signatures",
        ] {
            let text = format!(r#"{{"{key}":[{}"#, filler.repeat(4_000_000 / filler.len()));
            let started = Instant::now();
            assert!(parse(&text).is_err());
            assert!(started.elapsed() < Duration::from_secs(2), "{key} {filler}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::parse(&bytes);
    }

    #[test]
    fn no_text_made_of_the_right_words_panics(words in proptest::collection::vec(0usize..20, 0..40)) {
        let vocabulary = [
            "{", "}", "[", "]", ":", ",", "null", "2", "1", "-1", "\"schemaVersion\"", "\"layers\"",
            "\"manifests\"", "\"config\"", "\"digest\"", "\"size\"", "\"platform\"", "\"\\ud800\"", "\"fsLayers\"", "true",
        ];
        let text: String = words.into_iter().map(|word| vocabulary[word]).collect();
        let _ = parse(&text);
    }

    #[test]
    fn a_flipped_byte_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = format!(r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#, plain(1), plain(2)).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Manifest::parse(&bytes);
    }
}
