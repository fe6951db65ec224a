use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> ImageConfig {
    ImageConfig::parse(text.as_bytes()).expect(text)
}

#[test]
fn config_of_an_image() {
    let config = parse(
        r#"{"created":"2024-05-01T12:00:00.5Z","architecture":"arm","variant":"v7","os":"linux","os.version":"1",
            "config":{"Env":["A=b"],"Labels":{"a":"1","b":"2","a":"3"},"Cmd":null},
            "rootfs":{"type":"layers","diff_ids":[]},"history":[{"created":"x"}]}"#,
    );
    assert_eq!(config.created.as_deref(), Some("2024-05-01T12:00:00.5Z"));
    assert_eq!(
        config
            .platform()
            .map(|platform| platform.to_string())
            .as_deref(),
        Some("linux(1)/arm/v7")
    );
    let labels: Vec<_> = config.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(labels, [("a", "3"), ("b", "2")]);
}

#[test]
fn missing_values() {
    for text in [
        "{}",
        r#"{"created":null,"os":null,"config":null}"#,
        r#"{"created":5,"os":{},"architecture":[],"variant":true,"config":"x"}"#,
        r#"{"created":-5,"os":{"os":"linux"},"architecture":1.5,"config":[{"Labels":{"a":"b"}}]}"#,
        r#"{"config":{"Labels":null}}"#,
        r#"{"config":{"Labels":["a"]}}"#,
        r#"{"config":{"Labels":{"a":1,"b":{"c":"d"},"e":null}}}"#,
        r#"{"Labels":{"a":"b"},"Created":"x"}"#,
    ] {
        assert_eq!(parse(text), ImageConfig::default(), "{text}");
    }
    assert_eq!(
        parse(r#"{"os":"plan 9","architecture":"x"}"#).platform(),
        None
    );
    assert_eq!(parse(r#"{"os":"linux"}"#).platform(), None);
}

#[test]
fn artifacts_give_an_error() {
    for bytes in [
        &b""[..],
        b"null",
        b"[]",
        b"\x1f\x8b\x08",
        b"apiVersion: v2",
        b"{} {}",
    ] {
        assert_eq!(ImageConfig::parse(bytes), Err(ConfigError::NotAnImage));
    }
    let large = " ".repeat(MAX_CONFIG_BYTES + 1);
    let error = ImageConfig::parse(large.as_bytes()).expect_err("too large");
    assert_eq!(
        error.to_string(),
        "config of 4194305 bytes, 4194304 is the limit"
    );
}

#[test]
fn a_flood_of_labels_is_refused() {
    let labels: Vec<_> = (0..=MOST_MEMBERS).map(|n| format!(r#""{n}":"""#)).collect();
    let text = format!(r#"{{"config":{{"Labels":{{{}}}}}}}"#, labels.join(","));
    assert_eq!(
        ImageConfig::parse(text.as_bytes()),
        Err(ConfigError::NotAnImage)
    );
}

proptest! {
    #[test]
    fn any_labels_come_back(labels in proptest::collection::btree_map("\\PC{0,8}", "\\PC{0,8}", 0..4)) {
        let text = serde_json::json!({"config": {"Labels": labels}}).to_string();
        prop_assert_eq!(parse(&text).labels, labels);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = ImageConfig::parse(&bytes);
    }
}
