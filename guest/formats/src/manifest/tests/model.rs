//! Manifests written by another JSON writer come back as they were meant, in any order of keys.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::manifest::strict::Unread;

fn any_digest() -> impl Strategy<Value = Digest> {
    (0usize..3, any::<[u8; 32]>()).prop_map(|(which, bytes)| {
        let algorithm = regcarve_types::Algorithm::ALL[which];
        let hex = Digest::sha256(bytes).hex().repeat(2);
        Digest::from_hex(algorithm, &hex[..algorithm.hex_length()]).expect("right length")
    })
}

fn any_annotations() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map("\\PC{0,6}|Layers|digest", "\\PC{0,6}", 0..3)
}

prop_compose! {
    fn any_descriptor()(
        media_type in "[a-z./+\\\\\"é]{0,12}",
        digest in any_digest(),
        size in 0..=i64::MAX as u64,
        urls in vec("\\PC{0,8}", 0..3),
        platform in option::of(("(linux|windows)", "(amd64|arm|arm64)", option::of("v[67]"), option::of("10[.]0"))),
        annotations in any_annotations(),
        artifact_type in option::of("[a-z/]{1,8}"),
    ) -> Descriptor {
        Descriptor {
            media_type, digest, size, urls, annotations, artifact_type, data: Unread,
            platform: platform.map(|(os, architecture, variant, version)| {
                regcarve_types::Platform::new(&os, &architecture, variant.as_deref(), version.as_deref())
                    .expect("well formed")
            }),
        }
    }
}

fn write(descriptor: &Descriptor) -> Value {
    let mut object = json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest.to_string(),
        "size": descriptor.size,
        "x-unknown": [1, {"digest": null}],
    });
    if !descriptor.urls.is_empty() {
        object["urls"] = json!(descriptor.urls);
    }
    if let Some(platform) = &descriptor.platform {
        object["platform"] = json!({
            "os": platform.os(),
            "architecture": platform.architecture(),
            "variant": platform.variant(),
            "os.version": platform.os_version().unwrap_or_default(),
        });
    }
    if !descriptor.annotations.is_empty() {
        object["annotations"] = json!(descriptor.annotations);
    }
    object["artifactType"] = json!(descriptor.artifact_type);
    object
}

/// Writes the members of `object` starting with the `first`-th, because serde_json sorts them.
fn rotated(object: Map<String, Value>, first: usize) -> String {
    let mut members: Vec<_> = object
        .into_iter()
        .map(|(key, value)| format!("{}:{value}", Value::String(key)))
        .collect();
    let middle = first % members.len();
    members.rotate_left(middle);
    format!("{{{}}}", members.join(","))
}

prop_compose! {
    fn any_manifest()(
        docker in any::<bool>(),
        media_type_stated in any::<bool>(),
        is_index in any::<bool>(),
        config in any_descriptor(),
        list in vec(any_descriptor(), 0..5),
        subject in option::of(any_descriptor()),
        annotations in any_annotations(),
        artifact_type in option::of("[a-z/]{1,8}"),
    ) -> Manifest {
        let docker = docker && media_type_stated;
        if is_index {
            let media_type = if docker { ManifestType::DockerList } else { ManifestType::OciIndex };
            Manifest::Index(Index { media_type, media_type_stated, manifests: list, subject, annotations, artifact_type })
        } else {
            let media_type = if docker { ManifestType::DockerManifest } else { ManifestType::OciManifest };
            Manifest::Image(Image { media_type, media_type_stated, config, layers: list, subject, annotations, artifact_type })
        }
    }
}

fn members(manifest: &Manifest) -> Map<String, Value> {
    let written = |list: &[Descriptor]| Value::from(list.iter().map(write).collect::<Vec<_>>());
    let (stated, mut value, subject, annotations, artifact_type) = match manifest {
        Manifest::Index(index) => (
            index.media_type_stated,
            json!({"manifests": written(&index.manifests)}),
            &index.subject,
            &index.annotations,
            &index.artifact_type,
        ),
        Manifest::Image(image) => (
            image.media_type_stated,
            json!({"config": write(&image.config), "layers": written(&image.layers)}),
            &image.subject,
            &image.annotations,
            &image.artifact_type,
        ),
        Manifest::Schema1(_) => panic!("not made here"),
    };
    value["schemaVersion"] = json!(2);
    if stated {
        value["mediaType"] = json!(manifest.media_type().as_str());
    }
    value["subject"] = subject.as_ref().map_or(Value::Null, write);
    value["annotations"] = json!(annotations);
    value["artifactType"] = json!(artifact_type);
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn comes_back(manifest in any_manifest(), first in 0usize..8) {
        let text = rotated(members(&manifest), first);
        prop_assert_eq!(parse(&text).expect(&text), manifest);
    }

    #[test]
    fn any_key_in_another_case_is_refused(manifest in any_manifest(), which in any::<prop::sample::Index>(), upper in any::<bool>()) {
        let mut members = members(&manifest);
        let keys: Vec<String> = members.keys().cloned().collect();
        let key = &keys[which.index(keys.len())];
        let other = if upper { key.to_uppercase() } else { key.to_lowercase() };
        // A third spelling, where one of the two is the key itself.
        let other = if other == *key { key.to_uppercase() } else { other };
        members.insert(other, Value::Null);
        let error = parse(&rotated(members, 0)).expect_err("refused");
        let refused_for_case = format!("is `{key}` for some readers and unknown to others");
        prop_assert!(error.to_string().ends_with(&refused_for_case));
    }

    #[test]
    fn any_key_twice_is_refused(manifest in any_manifest(), which in any::<prop::sample::Index>(), first in 0usize..8) {
        let members = members(&manifest);
        let keys: Vec<String> = members.keys().cloned().collect();
        let key = &keys[which.index(keys.len())];
        let text = rotated(members.clone(), first);
        let doubled = format!("{},{}:{}}}", &text[..text.len() - 1], Value::String(key.clone()), members[key]);
        let error = parse(&doubled).expect_err("refused");
        prop_assert_eq!(error.to_string(), format!("duplicate field `{key}`"));
    }
}
