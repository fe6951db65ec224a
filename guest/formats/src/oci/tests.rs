use proptest::prelude::*;

use super::*;

fn digest(byte: u8) -> Digest {
    Digest::sha256([byte; 32])
}

fn entry(reference: &str, byte: u8) -> Entry {
    Entry {
        reference: Reference::parse(reference).expect(reference),
        media_type: ManifestType::OciIndex,
        digest: digest(byte),
        size: byte.into(),
    }
}

#[test]
fn paths() {
    let path = blob_path(digest(0xab));
    assert_eq!(path, format!("blobs/sha256/{}", "ab".repeat(32)));
    assert_eq!(path.capacity(), path.len());
}

#[test]
fn layouts() {
    assert_eq!(check_layout(LAYOUT_CONTENT.as_bytes()), Ok(()));
    assert_eq!(
        check_layout(b"{\"imageLayoutVersion\": \"1.0.0\", \"x\": 1}\n"),
        Ok(())
    );
    assert_eq!(check_layout(b"{}"), Err(LayoutError::Malformed));
    assert_eq!(check_layout(b""), Err(LayoutError::Malformed));
    let error = check_layout(br#"{"imageLayoutVersion":"2.0.0"}"#).expect_err("too new");
    assert_eq!(
        error.to_string(),
        "version 2.0.0 of the layout is not known here"
    );
}

#[test]
fn the_index_is_the_same_whatever_the_order() {
    let pinned = format!("b@{}", digest(3));
    let tagged = format!("b:1@{}", digest(2));
    let mut entries = [
        entry("b:2", 1),
        entry(&pinned, 3),
        entry(&tagged, 2),
        entry("a:1", 1),
        entry("b:2", 1),
    ];
    let written = write_index(&entries).expect("serializes");
    entries.reverse();
    assert_eq!(write_index(&entries).expect("serializes"), written);

    let names: Vec<_> = parse_index(&written)
        .expect("our own")
        .into_iter()
        .map(|listed| match listed.name {
            Name::Full(reference) => (reference.to_string(), listed.descriptor.size),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("a:1".into(), 1),
        ("b:1".into(), 2),
        ("b:2".into(), 1),
        (pinned, 3),
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_form_of_the_index() {
    let written = write_index(&[entry("library/nginx:1.27", 7)]).expect("serializes");
    let expected = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"annotations":{{"io.containerd.image.name":"library/nginx:1.27","org.opencontainers.image.ref.name":"library/nginx:1.27"}},"digest":"{}","mediaType":"application/vnd.oci.image.index.v1+json","size":7}}]}}"#,
        digest(7)
    );
    assert_eq!(String::from_utf8(written).expect("text"), expected);
    assert_eq!(
        parse_index(&write_index(&[]).expect("serializes")),
        Ok(Vec::new())
    );
}

#[test]
fn names_as_other_tools_write_them() {
    let name = |annotations: &str| {
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"x/unknown","digest":"{}","size":1,"annotations":{annotations}}}]}}"#,
            digest(1)
        );
        parse_index(text.as_bytes()).expect(&text).remove(0).name
    };
    let full = |text: &str| Name::Full(Reference::parse(text).expect(text));
    for (annotations, expected) in [
        (
            r#"{"io.containerd.image.name":"docker.io/library/nginx:1","org.opencontainers.image.ref.name":"1"}"#,
            full("docker.io/library/nginx:1"),
        ),
        (
            r#"{"org.opencontainers.image.ref.name":"library/nginx:1"}"#,
            full("library/nginx:1"),
        ),
        (
            r#"{"io.containerd.image.name":"h:5000/a:1","org.opencontainers.image.ref.name":"a:1"}"#,
            full("a:1"),
        ),
        (
            r#"{"org.opencontainers.image.ref.name":"latest"}"#,
            Name::TagOnly(Tag::parse("latest").expect("a tag")),
        ),
        (
            r#"{"org.opencontainers.image.ref.name":"V1"}"#,
            Name::TagOnly(Tag::parse("V1").expect("a tag")),
        ),
        ("null", Name::Unnamed),
        (r#"{"other":"a:1"}"#, Name::Unnamed),
    ] {
        assert_eq!(name(annotations), expected, "{annotations}");
    }
    for annotations in [
        r#"{"io.containerd.image.name":"h:5000/a:1","org.opencontainers.image.ref.name":"1"}"#,
        r#"{"io.containerd.image.name":"nginx"}"#,
        r#"{"org.opencontainers.image.ref.name":"a/b"}"#,
        r#"{"org.opencontainers.image.ref.name":""}"#,
    ] {
        assert!(
            matches!(name(annotations), Name::Unreadable { .. }),
            "{annotations}"
        );
    }
}

#[test]
fn what_is_no_index() {
    for (text, message) in [
        (
            r#"{"schemaVersion":2}"#.to_string(),
            "missing field `manifests`".to_string(),
        ),
        (
            r#"{"schemaVersion":1,"manifests":[]}"#.into(),
            format!("not an index, but `{}`", ManifestType::Schema1),
        ),
        (
            format!(
                r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[]}}"#,
                ManifestType::OciManifest
            ),
            format!("not an index, but `{}`", ManifestType::OciManifest),
        ),
        (
            r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#.into(),
            "both `manifests` and `layers`: readers disagree what this is".into(),
        ),
        (
            " ".repeat(MAX_INDEX_BYTES + 1),
            "file of 33554433 bytes, 33554432 is the limit".into(),
        ),
    ] {
        assert_eq!(
            parse_index(text.as_bytes())
                .expect_err("no index")
                .to_string(),
            message
        );
    }
}

#[test]
fn more_entries_than_a_manifest_could_have() {
    let entries: Vec<_> = (0..20_000)
        .map(|number| entry(&format!("a/b:{number}"), 1))
        .collect();
    let written = write_index(&entries).expect("serializes");
    assert!(written.len() > crate::MAX_MANIFEST_BYTES);
    assert_eq!(parse_index(&written).expect("our own").len(), 20_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn entries_come_back(
        names in proptest::collection::btree_map("[a-z]{1,3}(/[a-z]{1,3})?:[a-zA-Z0-9_]{1,3}", (any::<u8>(), 0..=i64::MAX as u64), 0..6)
    ) {
        let entries: Vec<_> = names
            .iter()
            .map(|(name, (byte, size))| Entry { size: *size, ..entry(name, *byte) })
            .collect();
        let listed = parse_index(&write_index(&entries).expect("serializes")).expect("our own");
        let back: Vec<_> = listed
            .into_iter()
            .map(|listed| match listed.name {
                Name::Full(reference) => (reference, listed.descriptor.digest, listed.descriptor.size),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected: Vec<_> = entries.into_iter().map(|entry| (entry.reference, entry.digest, entry.size)).collect();
        prop_assert_eq!(back, expected);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = parse_index(&bytes);
        let _ = check_layout(&bytes);
    }
}
