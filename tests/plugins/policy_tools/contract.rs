//! Components that were built for the contract 0.1.0 keep working.

use wit_component::semver_check;
use wit_parser::Resolve;

use super::made::push_contract;
use super::{kept_policy, run, sample};

const WORLDS: [&str; 6] = [
    "selector",
    "reader",
    "policy",
    "writer",
    "layout",
    "audited-layout",
];

/// The contract as it was released, and where it is now.
const RELEASED: &str = "tests/data/wit-0.1.0";
const NOW: &str = "wit";

/// Two versions of a package cannot have one number in one place: what is compared counts as the next release.
const NEXT: (&str, &str) = (
    "package regcarve:plugin@0.1.0;",
    "package regcarve:plugin@0.1.999;",
);

/// Tells whether components built for the released contract fit a world, by the rules of the component model's own
/// tools.
fn compatible(world: &str, changes: &[(&str, &str)]) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let released = push_contract(&mut resolve, RELEASED, &[]);
    let mut all = changes.to_vec();
    all.push(NEXT);
    let now = push_contract(&mut resolve, NOW, &all);
    let old = resolve.select_world(&[released], Some(world)).unwrap();
    let new = resolve.select_world(&[now], Some(world)).unwrap();
    semver_check(resolve, old, new).map_err(|error| format!("{error:#}"))
}

#[test]
fn the_contract_accepts_components_built_for_the_released_one() {
    for world in WORLDS {
        assert_eq!(compatible(world, &[]), Ok(()), "{world}");
    }
}

/// The check itself: it lets pass what is compatible and nothing else.
#[test]
fn changes_that_would_break_old_components_are_found() {
    let more = [(
        "import content;\n    export decide;",
        "import content;\n    import source;\n    export decide;",
    )];
    assert_eq!(
        compatible("policy", &more),
        Ok(()),
        "a world may offer more"
    );
    for change in [
        (
            "closure: func(image: digest)",
            "closure: func(image: digest, deep: bool)",
        ),
        (
            "closure: func(image: digest) -> result<list<closure-entry>, failure>;",
            "",
        ),
        (
            "describe: func() -> description;",
            "describe: func() -> description;\n    ready: func() -> bool;",
        ),
        (
            "        /// Of the whole closure in bytes, each digest counted once.\n        size: u64,",
            "        size: u32,",
        ),
        ("        keep,\n", "        keep,\n        keep-all,\n"),
        ("import content;\n    export decide;", "export decide;"),
    ] {
        assert!(compatible("policy", &[change]).is_err(), "{change:?}");
    }
}

/// See `tests/data/components/README.md` for how it was built.
#[test]
fn a_policy_built_for_0_1_0_runs() {
    let policy = kept_policy().display().to_string();
    let settings = r#"{"label":"name","snapshots":["3.6"]}"#;
    let outcome = run(&[
        "plan",
        "--all",
        "--format",
        "json",
        "--policy",
        &format!("{policy}={settings}"),
        &sample(),
    ]);
    outcome.assert_code(0);
    assert_eq!(
        outcome.listed("dropped", "reference"),
        ["charts/app:0.1.0", "library/alpine:3.6"]
    );
    assert_eq!(
        outcome.listed("dropped", "reason"),
        ["its config has no label `name`", "`3.6` is a snapshot"]
    );
    let about = run(&["policy", "inspect", "--format", "json", &policy]);
    about.assert_code(0);
    assert_eq!(about.report()["name"], "owned-images");
    assert_eq!(about.report()["version"], "0.1.0");
}
