//! Manifests made to be misread.

use super::*;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

#[test]
fn two_things_at_a_time() {
    let (one, hex) = (plain(1), digest(1));
    let old = format!(r#""fsLayers":[{{"blobSum":"{hex}"}}],"history":[{{}}]"#);
    for (inside, message) in [
        (r#""manifests":[],"layers":[]"#.into(), "both `manifests` and `layers`: readers disagree what this is".into()),
        (format!(r#""config":{one},"layers":[],"manifests":[]"#), "both `manifests` and `config`: readers disagree what this is".into()),
        (format!(r#""config":{one},{old}"#), "both `config` and `fsLayers`: readers disagree what this is".into()),
        (format!(r#""config":{one},"history":[]"#), "both `config` and `history`: readers disagree what this is".into()),
        (old.clone(), "`schemaVersion 2` is stated, but there is `fsLayers`".into()),
        (format!(r#""mediaType":"{OCI_INDEX}","config":{one}"#), format!("`{OCI_INDEX}` is stated, but there is `config`")),
        (format!(r#""mediaType":"{OCI_IMAGE}","manifests":[]"#), format!("`{OCI_IMAGE}` is stated, but there is `manifests`")),
        (format!(r#""mediaType":"{OCI_INDEX}""#), "missing field `manifests`".into()),
        (format!(r#""mediaType":"{OCI_IMAGE}""#), "missing field `config`".into()),
        (format!(r#""mediaType":"{}""#, ManifestType::Schema1), format!("media type `{}` does not go with schemaVersion 2", ManifestType::Schema1)),
        (r#""mediaType":"application/vnd.oci.artifact.manifest.v1+json""#.into(), "mediaType: unrecognized manifest media type `application/vnd.oci.artifact.manifest.v1+json`".into()),
        (r#""mediaType":"\u001b[2J""#.into(), r"mediaType: unrecognized manifest media type `\u{1b}[2J`".into()),
    ] {
        assert_eq!(refused(&format!(r#"{{"schemaVersion":2,{inside}}}"#)), message, "{inside}");
    }
    for (inside, message) in [
        (
            format!(r#"{old},"manifests":[]"#),
            "both `fsLayers` and `manifests`: readers disagree what this is".into(),
        ),
        (
            format!(r#""config":{one}"#),
            "`schemaVersion 1` is stated, but there is `config`".into(),
        ),
        (
            format!(r#"{old},"mediaType":"{OCI_IMAGE}""#),
            format!("media type `{OCI_IMAGE}` does not go with schemaVersion 1"),
        ),
        (
            format!(r#""fsLayers":[{{"blobSum":"{hex}"}}],"history":[]"#),
            "1 entries in `fsLayers`, but 0 in `history`".into(),
        ),
        (r#""history":[]"#.into(), "missing field `fsLayers`".into()),
        (
            r#""fsLayers":[{}],"history":[{}]"#.into(),
            "fsLayers[0]: missing field `blobSum`".into(),
        ),
    ] {
        assert_eq!(
            refused(&format!(r#"{{"schemaVersion":1,{inside}}}"#)),
            message,
            "{inside}"
        );
    }
}

#[test]
fn versions() {
    for (version, message) in [
        ("0", "schemaVersion 0: there are only 1 and 2"),
        ("3", "schemaVersion 3: there are only 1 and 2"),
        ("null", "missing field `schemaVersion`"),
    ] {
        assert_eq!(
            refused(&format!(r#"{{"schemaVersion":{version}}}"#)),
            message
        );
    }
    assert_eq!(refused("{}"), "missing field `schemaVersion`");
    assert_eq!(refused("null"), "missing field `schemaVersion`");
    for version in ["-2", "2.0", "\"2\"", "18446744073709551616", "[2]"] {
        let message = refused(&format!(r#"{{"schemaVersion":{version}}}"#));
        assert!(message.starts_with("schemaVersion: "), "{message}");
    }
}

#[test]
fn keys_that_readers_disagree_about() {
    let (one, two) = (plain(1), plain(2));
    let hidden =
        |child: &str| format!(r#"{{"schemaVersion":2,"config":{one},"layers":[{two},{child}]}}"#);
    for (text, message) in [
        (
            format!(r#"{{"schemaVersion":2,"config":{one},"layers":[],"Layers":[{two}]}}"#),
            "key `Layers` is `layers` for some readers and unknown to others",
        ),
        (
            format!(r#"{{"schemaVersion":2,"config":{one},"layer\u017f":[{two}]}}"#),
            "key `layerſ` is `layers` for some readers and unknown to others",
        ),
        (
            format!(r#"{{"schemaVersion":2,"config":{one},"layers":[],"layers":[{two}]}}"#),
            "duplicate field `layers`",
        ),
        (
            format!(r#"{{"schemaVersion":2,"config":{one},"layers":null,"\u006cayers":[{two}]}}"#),
            "duplicate field `layers`",
        ),
        (
            hidden(&two.replace("\"size\"", r#""DIGEST":"x","size""#)),
            "layers[1]: key `DIGEST` is `digest` for some readers and unknown to others",
        ),
        (
            hidden(&two.replace("\"size\"", r#""size":1,"size""#)),
            "layers[1]: duplicate field `size`",
        ),
        (
            hidden(&two.replace("\"size\"", r#""platform":{"os":"a","OS":"b"},"size""#)),
            "layers[1].platform: key `OS` is `os` for some readers and unknown to others",
        ),
        (
            hidden(&two.replace("\"size\"", r#""Data":"","size""#)),
            "layers[1]: key `Data` is `data` for some readers and unknown to others",
        ),
        (
            format!(
                r#"{{"schemaVersion":1,"history":[{{}}],"fsLayers":[{{"blobsum":"{}"}}]}}"#,
                digest(1)
            ),
            "fsLayers[0]: key `blobsum` is `blobSum` for some readers and unknown to others",
        ),
    ] {
        assert_eq!(refused(&text), message, "{text}");
    }
}

#[test]
fn descriptors_that_lead_astray() {
    let layer = |text: &str| {
        format!(
            r#"{{"schemaVersion":2,"config":{},"layers":[{text}]}}"#,
            plain(1)
        )
    };
    let list_of_members = format!(r#"["t","{}",2]"#, digest(2));
    for (text, message) in [
        (r#"{"size":1}"#, "layers[0]: missing field `digest`"),
        ("{}", "layers[0]: missing field `digest`"),
        ("null", "layers[0]: missing field `digest`"),
        (
            &list_of_members,
            "layers[0]: invalid type: sequence, expected a descriptor",
        ),
        (
            r#"{"digest":"","size":1}"#,
            "layers[0].digest: empty, where a digest should be",
        ),
        (
            r#"{"digest":"sha256:../../../x","size":1}"#,
            "layers[0].digest: `.` at position 8 of a digest is not a hexadecimal digit",
        ),
    ] {
        assert_eq!(refused(&layer(text)), message);
    }
    let sized = |size: &str| plain(2).replace(":2}", &format!(":{size}}}"));
    assert_eq!(
        refused(&layer(&plain(2).replace(",\"size\":2", ""))),
        "layers[0]: missing field `size`"
    );
    assert!(parse(&layer(&sized("9223372036854775807"))).is_ok());
    for size in [
        "-1",
        "1.5",
        "1e3",
        "9223372036854775808",
        "\"1\"",
        "99999999999999999999",
    ] {
        let message = refused(&layer(&sized(size)));
        assert!(message.starts_with("layers[0].size: "), "{message}");
    }
}
