use serde_json::{Value, json};

use super::{Decision, Image, Package, Policy, configure, describe};
use crate::testing::{self, Node, index_of, layer};

/// Drops tags with a banned prefix.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoPrefix {
    prefix: String,
}

impl Policy for NoPrefix {
    fn decide(&mut self, _repository: &str, image: &Image) -> Result<Decision, String> {
        let banned = image.tag().starts_with(&self.prefix);
        Ok(Decision::drop_if(banned, "its tag has a banned prefix"))
    }
}

const PACKAGE: Package = Package {
    name: "no-prefix",
    version: "1.2.3",
    description: "Drops tags with a banned prefix.",
};

fn part(config: Value, annotations: Value) -> Node {
    testing::manifest_of(config, annotations, [layer("base", 10)])
}

#[test]
fn a_policy_of_ten_lines() {
    let mut policy: NoPrefix = configure(r#"{"prefix": "dev-"}"#).unwrap();
    let images = ["1.0", "dev-1"].map(|tag| testing::manifest(json!({})).image(tag));
    let decisions = policy.decide_all("team/app", &images).unwrap();
    let drop = Decision::Drop("its tag has a banned prefix".into());
    assert_eq!(decisions, [Decision::Keep, drop]);
}

#[test]
fn a_policy_is_named_after_its_package() {
    let about = describe::<NoPrefix>(&PACKAGE);
    let found = [about.name, about.version, about.summary];
    assert_eq!(
        found,
        ["no-prefix", "1.2.3", "Drops tags with a banned prefix."]
    );
    let schema: Value = serde_json::from_str(&about.settings_schema).unwrap();
    assert_eq!(schema["required"], json!(["prefix"]));
    assert_eq!(schema["additionalProperties"], json!(false));
}

#[test]
fn a_policy_may_have_another_name() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Named {}
    impl Policy for Named {
        const NAME: &'static str = "named";
        const SUMMARY: &'static str = "Does nothing.";
    }
    let about = describe::<Named>(&PACKAGE);
    let found = [about.name, about.version, about.summary];
    assert_eq!(found, ["named", "1.2.3", "Does nothing."]);
    // And one that forgot what to do says so.
    let mut policy: Named = configure("{}").unwrap();
    let images = [testing::manifest(json!({})).image("1")];
    let error = policy.decide_all("team/app", &images).unwrap_err();
    assert!(error.contains("neither"), "{error}");
}

#[test]
fn wrong_settings_are_named() {
    for (settings, path) in [
        ("", ""),
        ("{}", ""),
        ("7", ""),
        (r#""dev-""#, ""),
        (r#"{"prefix":"a"} more"#, ""),
        (r#"{"prefix":1}"#, "/prefix"),
        (r#"{"prefix":"a","pre/fix~":1}"#, "/pre~1fix~0"),
    ] {
        let wrong = configure::<NoPrefix>(settings).unwrap_err();
        assert_eq!(wrong[0].path, path, "{settings}: {wrong:?}");
    }
}

#[test]
fn labels_annotations_and_creation_are_one_call_away() {
    let amd64 = json!({"created": "2026-01-01T00:00:00Z", "config": {"Labels": {"team": "a"}}});
    let arm64 = json!({"created": "2026-02-01T00:00:00+01:00"});
    let image = index_of(
        json!({"team": "index", "above": "yes"}),
        [
            part(amd64, Value::Null).on("linux/amd64"),
            part(arm64, json!({"team": "b"})).on("linux/arm64"),
        ],
    )
    .image("1");
    testing::take_reads();

    let texts = |list: Vec<_>| serde_json::to_value(list).unwrap();
    let labels = texts(image.labels().unwrap());
    assert_eq!(labels, json!([{"team": "a"}, {}]));
    assert_eq!(testing::take_reads().len(), 2, "the configs");
    let annotations = texts(image.annotations().unwrap());
    let expected = json!([{"above": "yes", "team": "index"}, {"above": "yes", "team": "b"}]);
    assert_eq!(annotations, expected);
    assert_eq!(testing::take_reads().len(), 3, "the manifests");
    let created = image.created().unwrap().map(|time| time.to_string());
    assert_eq!(created.as_deref(), Some("2026-01-31T23:00:00Z"));
    assert_eq!(testing::take_reads().len(), 2, "the configs");
}

#[test]
fn artifacts_have_no_labels() {
    let config_type = "application/vnd.cncf.helm.config.v1+json";
    let created = json!({"org.opencontainers.image.created": "2026-01-01T00:00:00Z"});
    let config = json!({"config": {"Labels": {"team": "a"}}});
    let image = testing::artifact(config_type, config, created, []).image("1");
    assert_eq!(image.labels().unwrap().len(), 1);
    assert!(image.labels().unwrap()[0].is_empty());
    let created = image.created().unwrap().map(|time| time.to_string());
    assert_eq!(created.as_deref(), Some("2026-01-01T00:00:00Z"));
}
