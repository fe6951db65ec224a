use proptest::prelude::*;

use super::*;
use crate::manifest::MAX_INDEX_CHILDREN;

fn digest(number: u16) -> Digest {
    let mut hash = [0; 32];
    hash[..2].copy_from_slice(&number.to_be_bytes());
    Digest::sha256(hash)
}

fn child(number: u16, architecture: &str) -> String {
    format!(
        r#"{{"mediaType":"m","size":{number},"digest":"{}","platform":{{"os":"linux","architecture":"{architecture}"}}}}"#,
        digest(number)
    )
}

fn attestation(number: u16, of: u16) -> String {
    format!(
        r#"{{"digest":"{}","size":1,"annotations":{{"vnd.docker.reference.digest":"{}","vnd.docker.reference.type":"attestation-manifest"}}}}"#,
        digest(number),
        digest(of)
    )
}

fn amd64(child: &Descriptor) -> bool {
    child
        .platform
        .as_ref()
        .is_some_and(|platform| platform.architecture() == "amd64")
}

fn strip(text: &str, replaced: &[(u16, Replacement)]) -> String {
    let replaced = replaced
        .iter()
        .map(|(old, new)| (digest(*old), *new))
        .collect();
    let stripped = strip_index(text.as_bytes(), &amd64, &replaced).expect(text);
    String::from_utf8(stripped).expect("still text")
}

#[test]
fn chosen_children_remain_with_their_attestations() {
    let (a, b) = (child(1, "amd64"), child(2, "arm64"));
    let (of_a, of_b) = (attestation(3, 1), attestation(4, 2));
    let text = format!(
        "{{ \"z\": [1e2, 1.0,\t\"a \\\" b\\\\\"],\n \"manifests\": [ {a}, {b}, {of_b} , {of_a} ],\r\n\"schemaVersion\":2, \"\\u0061\": 9007199254740993 }}"
    );
    assert_eq!(
        strip(&text, &[]),
        format!(
            r#"{{"z":[1e2,1.0,"a \" b\\"],"manifests":[{a},{of_a}],"schemaVersion":2,"a":9007199254740993}}"#
        )
    );
}

#[test]
fn nothing_to_do_changes_nothing() {
    let text = format!(
        "{{ \"schemaVersion\" : 2, \"manifests\" : [ {} ] }}\n",
        child(1, "amd64")
    );
    assert_eq!(strip(&text, &[]), text);
}

#[test]
fn a_replaced_child_gets_digest_and_size() {
    let nested = format!(
        r#"{{"size": 7, "data":"e30=", "digest":"{}", "platform":{{"os":"linux","architecture":"amd64"}} }}"#,
        digest(5)
    );
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{nested},{}]}}"#,
        child(1, "arm64")
    );
    let new = Replacement {
        digest: digest(6),
        size: 1234,
    };
    assert_eq!(
        strip(&text, &[(5, new)]),
        format!(
            r#"{{"schemaVersion":2,"manifests":[{{"size":1234,"digest":"{}","platform":{{"os":"linux","architecture":"amd64"}}}}]}}"#,
            digest(6)
        )
    );
}

#[test]
fn attestations_of_nothing_here_are_asked_about() {
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{},{},{}]}}"#,
        child(1, "amd64"),
        attestation(2, 99),
        attestation(3, 3)
    );
    let count = |keep: &dyn Fn(&Descriptor) -> bool| {
        let stripped = strip_index(text.as_bytes(), keep, &BTreeMap::new()).expect("an index");
        match Manifest::parse(&stripped).expect("still a manifest") {
            Manifest::Index(index) => index.manifests.len(),
            other => panic!("no index: {other:?}"),
        }
    };
    assert_eq!(count(&|_| true), 3);
    assert_eq!(count(&amd64), 1);
    assert_eq!(count(&|_| false), 0);
}

#[test]
fn attestations_of_attestations_follow_too() {
    let (a, b) = (child(1, "amd64"), child(2, "arm64"));
    let (of_a, of_that) = (attestation(3, 1), attestation(4, 3));
    let (of_b, of_this) = (attestation(5, 2), attestation(6, 5));
    let circle = [attestation(7, 8), attestation(8, 7)].join(",");
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{of_that},{of_this},{a},{of_a},{b},{of_b},{circle}]}}"#
    );
    let expected = format!(r#"{{"schemaVersion":2,"manifests":[{of_that},{a},{of_a}]}}"#);
    assert_eq!(strip(&text, &[]), expected);
}

#[test]
fn only_an_index_is_stripped() {
    let image = format!(r#"{{"schemaVersion":2,"config":{}}}"#, child(1, "amd64"));
    let error = strip_index(image.as_bytes(), &amd64, &BTreeMap::new()).expect_err("an image");
    assert_eq!(
        error.to_string(),
        "not an index, but `application/vnd.oci.image.manifest.v1+json`"
    );
    assert!(strip_index(b"{}", &amd64, &BTreeMap::new()).is_err());
}

#[test]
fn the_largest_index_takes_no_time() {
    let list: Vec<_> = (0..MAX_INDEX_CHILDREN)
        .map(|n| attestation(n as u16, n as u16 / 2))
        .collect();
    let text = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, list.join(","));
    let started = std::time::Instant::now();
    strip(&text, &[]);
    assert!(started.elapsed() < std::time::Duration::from_secs(2));
}

proptest! {
    #[test]
    fn the_rest_is_unchanged(
        kept in proptest::collection::vec(any::<bool>(), 0..6),
        note in "\\PC{0,12}|[\\\\\"\t\n ]{0,6}",
    ) {
        let children: Vec<_> = kept.iter().zip(0..).map(|(kept, number)| child(number, if *kept { "amd64" } else { "arm64" })).collect();
        let note = serde_json::to_string(&note).expect("text");
        let text = format!("{{ {note} : {note}, \"schemaVersion\": 2, \"manifests\": [{}]}}", children.join(" , "));
        let stripped: serde_json::Value = serde_json::from_str(&strip(&text, &[])).expect("JSON");
        let mut expected: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let list = expected["manifests"].as_array_mut().expect("a list");
        list.retain(|child| child["platform"]["architecture"] == "amd64");
        prop_assert_eq!(stripped, expected);
    }

    #[test]
    fn no_bytes_panic(text in "[\\[\\]{}:,\" \\\\a-z0-9]{0,60}") {
        let _ = strip_index(text.as_bytes(), &amd64, &BTreeMap::new());
    }
}
