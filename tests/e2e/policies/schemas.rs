//! Every setting of every shipped policy is described, and no policy can do more than read content.

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::fixture::program;
use serde_json::Value;

use super::images::every_policy;

#[test]
fn every_setting_of_every_policy_is_described() {
    for policy in every_policy() {
        let name = policy.split('=').next().unwrap();
        let outcome = program("policy")
            .args(["inspect", "--format", "json", name])
            .outcome();
        outcome.assert_code(0);
        let about = outcome.report();
        assert_eq!(about["name"], name);
        assert!(about["summary"].as_str().unwrap().ends_with('.'), "{about}");
        let schema = &about["settings_schema"];
        assert_eq!(
            schema["additionalProperties"], false,
            "{name} takes any key"
        );
        assert!(schema["description"].is_string(), "{name} is not described");
        let settings = schema["properties"].as_object().expect("settings");
        assert!(!settings.is_empty());
        for (key, setting) in settings {
            let described = |value: &Value| value["description"].is_string();
            assert!(
                described(setting),
                "{name}: `{key}` is not described: {setting}"
            );
        }
        // Reading content is all that a policy can do, and those that read nothing cannot even do that.
        let imports = about["imports"].as_array().unwrap();
        let names: Vec<_> = imports.iter().map(|one| one.as_str().unwrap()).collect();
        let allowed = [
            "regcarve:plugin/content@0.1.0",
            "regcarve:plugin/log@0.1.0",
            "regcarve:plugin/types@0.1.0",
        ];
        assert!(
            names.iter().all(|name| allowed.contains(name)),
            "{name}: {names:?}"
        );
        let reads = names.contains(&allowed[0]);
        assert_eq!(reads, name != "match", "{name}: {names:?}");
    }
}
