//! The grammar: tables, and a property that holds texts and values together.

use proptest::prelude::*;
use regcarve_types::Digest;

use super::{ComponentSpec, PolicySpec, SpecError, StorageSpec};

const PIN: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn shipped(name: &str) -> ComponentSpec {
    ComponentSpec::Shipped(name.into())
}

fn file(path: &str, pin: Option<&str>) -> ComponentSpec {
    ComponentSpec::File {
        path: path.into(),
        pin: pin.map(|pin| Digest::parse(pin).unwrap()),
    }
}

#[test]
fn components() {
    for (text, spec) in [
        ("registry", shipped("registry")),
        ("mine.wasm", file("mine.wasm", None)),
        ("./mine", file("./mine", None)),
        ("a=b:c.wasm", file("a=b:c.wasm", None)),
        (&format!("mine.wasm@{PIN}"), file("mine.wasm", Some(PIN))),
        ("mine.wasmx", shipped("mine.wasmx")),
        ("./a.wasm.d/b.wasm", file("./a.wasm.d/b.wasm", None)),
    ] {
        assert_eq!(text.parse(), Ok(spec), "{text}");
    }
}

#[test]
fn storages() {
    for (text, format, path) in [
        (
            "registry:/srv/registry",
            shipped("registry"),
            "/srv/registry",
        ),
        ("dir:images:old", shipped("dir"), "images:old"),
        (
            "dir:/srv/rules.wasm:old",
            shipped("dir"),
            "/srv/rules.wasm:old",
        ),
        (
            "./flat.wasm:/srv/out",
            file("./flat.wasm", None),
            "/srv/out",
        ),
        ("/a:b/flat.wasm:out", file("/a:b/flat.wasm", None), "out"),
        ("./flat:/srv/out", file("./flat", None), "/srv/out"),
        (
            &format!("./flat.wasm@{PIN}:/srv/out"),
            file("./flat.wasm", Some(PIN)),
            "/srv/out",
        ),
    ] {
        let spec: StorageSpec = text.parse().unwrap();
        assert_eq!((spec.format, spec.path), (format, path.into()), "{text}");
    }
}

#[test]
fn policies() {
    for (text, component, settings) in [
        ("newest", shipped("newest"), None),
        ("newest=3", shipped("newest"), Some("3")),
        ("newest=", shipped("newest"), Some("")),
        (
            r#"where=image.tag == "x.wasm""#,
            shipped("where"),
            Some(r#"image.tag == "x.wasm""#),
        ),
        ("./a=b.wasm={}", file("./a=b.wasm", None), Some("{}")),
        ("a.wasm=@b.wasm", file("a.wasm", None), Some("@b.wasm")),
        (
            &format!("a.wasm@{PIN}=@s.json"),
            file("a.wasm", Some(PIN)),
            Some("@s.json"),
        ),
    ] {
        let spec: PolicySpec = text.parse().unwrap();
        let settings = settings.map(str::to_owned);
        assert_eq!(
            (spec.component, spec.settings),
            (component, settings),
            "{text}"
        );
    }
}

#[test]
fn texts_that_name_nothing() {
    for (text, message) in [
        ("", "write FORMAT:PATH, for example registry:/srv/registry"),
        (
            ":/srv",
            "write FORMAT:PATH, for example registry:/srv/registry",
        ),
        (
            "registry:",
            "write FORMAT:PATH, for example registry:/srv/registry",
        ),
        ("/srv", "write FORMAT:PATH, for example registry:/srv"),
        (
            "/srv/a:b",
            "write FORMAT:PATH, for example registry:/srv/a:b",
        ),
        (
            "flat.wasm",
            "write FORMAT:PATH, for example registry:flat.wasm",
        ),
        (
            "flat.wasm@sha256:12:/srv",
            "cannot read the pin `sha256:12`: ",
        ),
        ("flat.wasm@x", "cannot read the pin `x`: "),
    ] {
        let error = text.parse::<StorageSpec>().unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}: {error}");
    }
    for (text, message) in [
        ("", "the name of the component is empty"),
        ("=3", "the name of the component is empty"),
        ("a.wasm@", "cannot read the pin ``: "),
        ("a.wasm@sha256:12={}", "cannot read the pin `sha256:12`: "),
    ] {
        let error = text.parse::<PolicySpec>().unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}: {error}");
    }
    assert_eq!("".parse::<ComponentSpec>(), Err(SpecError::Empty));
}

fn any_component() -> impl Strategy<Value = ComponentSpec> {
    let pin = proptest::option::of("[0-9a-f]{64}".prop_map(|hex| format!("sha256:{hex}")));
    prop_oneof![
        "[a-z][a-z0-9-]{0,8}".prop_map(|name| shipped(&name)),
        ("(\\./|/)?[a-z =:.@/-]{0,6}[a-z]", pin).prop_filter_map(
            "a path that is understood otherwise",
            |(stem, pin)| {
                let path = format!("{stem}.wasm");
                // Without a `/` in front of it a separator ends a name.
                let safe = path.starts_with(['.', '/']) && path.contains('/')
                    || !path.contains([':', '=']);
                let head = path.split([':', '=']).next()?;
                (safe && (head.contains('/') || head == path)).then(|| file(&path, pin.as_deref()))
            },
        ),
    ]
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(
        component in any_component(),
        location in "[a-z/.:=@]{1,12}",
        settings in proptest::option::of(".{0,12}"),
    ) {
        prop_assert_eq!(format!("{component:#}").parse(), Ok(component.clone()));
        let storage = StorageSpec { format: component.clone(), path: location.into() };
        prop_assert_eq!(format!("{storage:#}").parse(), Ok(storage));
        let policy = PolicySpec { component, settings };
        prop_assert_eq!(format!("{policy:#}").parse(), Ok(policy));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}") {
        if let Ok(storage) = text.parse::<StorageSpec>() {
            prop_assert!(text.starts_with(&storage.format.to_string()));
            prop_assert!(text.ends_with(storage.path.to_str().unwrap_or_default()));
        }
        let _ = text.parse::<PolicySpec>();
        let _ = text.parse::<ComponentSpec>();
    }
}
