//! Manifests that are accepted, manifests that are refused, and that one comes back as it was meant.

use super::*;

mod broken;
mod hostile;
mod model;

/// A digest that is easy to tell from others.
pub(super) fn digest(number: u8) -> Digest {
    Digest::sha256([number; 32])
}

/// A descriptor with the least that it needs.
pub(super) fn plain(number: u8) -> String {
    format!(
        r#"{{"mediaType":"t","digest":"{}","size":{number}}}"#,
        digest(number)
    )
}

pub(super) fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(text.as_bytes())
}

fn image(text: &str) -> Image {
    match parse(text).expect(text) {
        Manifest::Image(image) => image,
        other => panic!("not an image: {other:?}"),
    }
}

fn index(text: &str) -> Index {
    match parse(text).expect(text) {
        Manifest::Index(index) => index,
        other => panic!("not an index: {other:?}"),
    }
}

fn schema1(text: &str) -> Schema1 {
    match parse(text).expect(text) {
        Manifest::Schema1(schema1) => schema1,
        other => panic!("not of the first schema: {other:?}"),
    }
}

/// The message for a text that is refused.
pub(super) fn refused(text: &str) -> String {
    match parse(text) {
        Err(error) => error.to_string(),
        Ok(manifest) => panic!("accepted {text}: {manifest:?}"),
    }
}

#[test]
fn an_image_with_everything() {
    let text = format!(
        r#" {{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/x", "config": {}, "layers": [{}, {}, {}],
            "subject": {}, "annotations": {{"a": "1", "A": "2", "a": "3", "n": null}},
            "unknown": {{"layers": [1, null, true, -1.5e3, {{}}], "layers": 2}}}} "#,
        plain(1),
        plain(2),
        plain(3),
        plain(2),
        plain(4)
    );
    let image = image(&text);
    assert_eq!(image.media_type, ManifestType::OciManifest);
    assert!(image.media_type_stated);
    assert_eq!(image.artifact_type.as_deref(), Some("application/x"));
    let blobs: Vec<_> = image.blobs().map(|blob| blob.digest).collect();
    assert_eq!(blobs, [digest(1), digest(2), digest(3), digest(2)]);
    assert_eq!(image.config.size, 1);
    assert_eq!(image.subject.map(|subject| subject.digest), Some(digest(4)));
    let notes: Vec<_> = image
        .annotations
        .iter()
        .map(|(k, v)| (&**k, &**v))
        .collect();
    assert_eq!(notes, [("A", "2"), ("a", "3"), ("n", "")]);
}

#[test]
fn an_index_with_platforms_and_attestations() {
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json",
            "manifests":[
              {{"digest":"{a}","size":5,"platform":{{"os":"linux","architecture":"arm64","variant":"v8","features":[]}}}},
              {{"digest":"{b}","size":6,"platform":{{"os":"windows","architecture":"amd64","os.version":"10.0.1"}}}},
              {{"digest":"{c}","size":7,"platform":{{"os":"unknown","architecture":"unknown"}},
                "annotations":{{"vnd.docker.reference.type":"attestation-manifest","vnd.docker.reference.digest":"{a}"}}}},
              {{"digest":"{c}","size":7,"platform":{{"os":"plan 9","architecture":"?"}}}},
              {{"digest":"{c}","size":7,"platform":null}}
            ]}}"#,
        a = digest(1),
        b = digest(2),
        c = digest(3),
    );
    let index = index(&text);
    assert_eq!(index.media_type, ManifestType::DockerList);
    let platforms: Vec<_> = index
        .manifests
        .iter()
        .map(|child| child.platform.as_ref().map(ToString::to_string))
        .collect();
    let shown: Vec<_> = platforms.iter().map(Option::as_deref).collect();
    assert_eq!(
        shown,
        [
            Some("linux/arm64"),
            Some("windows(10.0.1)/amd64"),
            Some("unknown/unknown"),
            None,
            None
        ]
    );
    let described: Vec<_> = index
        .manifests
        .iter()
        .map(Descriptor::attestation_for)
        .collect();
    assert_eq!(described, [None, None, Some(digest(1)), None, None]);
}

#[test]
fn without_media_type_the_keys_decide() {
    let bare_index = index(&format!(
        r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
        plain(1)
    ));
    assert_eq!(bare_index.media_type, ManifestType::OciIndex);
    assert!(!bare_index.media_type_stated);
    assert!(
        index(r#"{"schemaVersion":2,"manifests":[]}"#)
            .manifests
            .is_empty()
    );

    let config = plain(1);
    for layers in [
        "",
        r#","layers":[]"#,
        r#","layers":null"#,
        r#","layers":null,"manifests":null"#,
    ] {
        let image = image(&format!(
            r#"{{"schemaVersion":2,"mediaType":"","config":{config}{layers}}}"#
        ));
        assert_eq!(image.media_type, ManifestType::OciManifest);
        assert!(!image.media_type_stated && image.layers.is_empty());
    }
}

#[test]
fn an_index_may_say_that_it_has_nothing() {
    let stated = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null}"#;
    assert!(index(stated).manifests.is_empty());
    // Without a type it would be an image to the registry. A layout knows better.
    let bare = r#"{"schemaVersion":2,"manifests":null}"#;
    assert_eq!(
        parse(bare).expect_err("an image").to_string(),
        "missing field `config`"
    );
    assert!(
        Index::parse_file(bare.as_bytes(), 5)
            .expect("an index")
            .manifests
            .is_empty()
    );
}

#[test]
fn first_schema() {
    let layers = format!(
        r#""fsLayers":[{{"blobSum":"{a}"}},{{"blobSum":"{b}"}},{{"blobSum":"{a}"}}],
           "history":[{{"v1Compatibility":"{{}}"}},{{}},{{}}],"name":"x","tag":"y","architecture":"amd64""#,
        a = digest(1),
        b = digest(2)
    );
    let unsigned = schema1(&format!(r#"{{"schemaVersion":1,{layers}}}"#));
    assert_eq!(unsigned.layers, [digest(1), digest(2), digest(1)]);
    assert_eq!(unsigned.architecture.as_deref(), Some("amd64"));
    assert_eq!(
        (unsigned.media_type, unsigned.signed),
        (ManifestType::Schema1, false)
    );

    let signed = schema1(&format!(
        r#"{{"schemaVersion":1,{layers},"signatures":[{{"header":{{}}}}]}}"#
    ));
    assert_eq!(
        (signed.media_type, signed.signed),
        (ManifestType::Schema1Signed, true)
    );
}

#[test]
fn escapes_are_read() {
    let text = format!(
        r#"{{"schemaVersion":2,"confi\u0067":{{"mediaType":"\u0074\n","digest":"sha256\u003a{}","size":0}}}}"#,
        digest(1).hex()
    );
    let image = image(&text);
    assert_eq!(image.config.digest, digest(1));
    assert_eq!(image.config.media_type, "t\n");
}
