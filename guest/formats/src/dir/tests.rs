use proptest::prelude::*;

use super::*;

fn digest(algorithm: Algorithm, byte: u8) -> Digest {
    let hex = format!("{byte:02x}").repeat(algorithm.byte_length());
    Digest::from_hex(algorithm, &hex).expect("right length")
}

#[test]
fn names_of_files() {
    let usual = digest(Algorithm::Sha256, 0xab);
    let long = digest(Algorithm::Sha512, 0xcd);
    let (hex, long_hex) = ("ab".repeat(32), "cd".repeat(64));
    for (file, name) in [
        (File::Version, "version".to_string()),
        (File::Manifest, "manifest.json".to_string()),
        (File::Child(usual), format!("{hex}.manifest.json")),
        (
            File::Child(long),
            format!("sha512-{long_hex}.manifest.json"),
        ),
        (File::Blob(usual), hex.clone()),
        (File::Blob(long), format!("sha512-{long_hex}")),
        (File::Signature(1), "signature-1".to_string()),
        (
            File::ChildSignature(usual, 12),
            format!("{hex}.signature-12"),
        ),
    ] {
        assert_eq!(file.to_string(), name);
        assert_eq!(File::parse(&name), Some(file));
    }
    assert_eq!(File::parse(&long_hex), Some(File::Blob(long)));
}

#[test]
fn older_names() {
    let usual = digest(Algorithm::Sha256, 0xab);
    let long = digest(Algorithm::Sha512, 0xcd);
    let long_hex = "cd".repeat(64);
    for (file, name) in [
        (File::Child(long), Some(format!("{long_hex}.manifest.json"))),
        (File::Blob(long), Some(long_hex.clone())),
        (File::Blob(usual), None),
        (File::Manifest, None),
        (File::Signature(1), None),
    ] {
        assert_eq!(file.older_name(), name);
        assert_eq!(
            name.map_or(Some(file), |name| File::parse(&name)),
            Some(file)
        );
    }
}

#[test]
fn other_names() {
    let hex = "ab".repeat(32);
    for name in [
        "",
        ".",
        "..",
        "Version",
        "manifest.json.tmp",
        "signature-",
        "signature-0",
        "signature-01",
        "signature-+1",
        "signature-99999999999",
        &hex[1..],
        &hex.to_uppercase(),
        &format!("{hex}."),
        &format!("{hex}.json"),
        &format!("{hex}.signature-x"),
        &format!("sha256-{hex}"),
        &format!("sha512-{hex}"),
        &format!("sha256:{hex}"),
        "x.manifest.json",
    ] {
        assert_eq!(File::parse(name), None, "{name}");
    }
}

#[test]
fn folders() {
    for (reference, folder) in [
        ("library/nginx:1.27", "library/nginx:1.27".to_string()),
        (
            &*format!("a@{}", digest(Algorithm::Sha256, 1)),
            format!("a@{}", digest(Algorithm::Sha256, 1)),
        ),
        (
            &format!("a:b@{}", digest(Algorithm::Sha256, 1)),
            "a:b".to_string(),
        ),
    ] {
        let parsed = Reference::parse(reference).expect(reference);
        assert_eq!(folder_of(&parsed), Ok(folder.clone()));
        assert_eq!(
            reference_of(&folder).expect("a reference").to_string(),
            folder
        );
    }
    assert!(reference_of("library").is_err());

    let name = "x".repeat(200);
    let long = Reference::parse(&format!("{name}:{}", "y".repeat(60))).expect("well formed");
    let message = folder_of(&long).expect_err("too long").to_string();
    assert!(
        message.ends_with("needs a folder name of 261 characters, 255 is the limit"),
        "{message}"
    );
}

#[test]
fn versions() {
    for (content, expected) in [
        ("Directory Transport Version: 1.0\n", Ok(Version::V1_0)),
        ("Directory Transport Version: 1.1\n", Ok(Version::V1_1)),
        ("Directory Transport Version: 1.1", Ok(Version::V1_1)),
        ("Directory Transport Version: 1.2\n", Ok(Version::V1_2)),
        (
            "",
            Err("the version file does not say `Directory Transport Version: 1.1`"),
        ),
        (
            "1.1\n",
            Err("the version file does not say `Directory Transport Version: 1.1`"),
        ),
        (
            "Directory Transport Version: 1.1\n\n",
            Err("the version file does not say `Directory Transport Version: 1.1`"),
        ),
        (
            "Directory Transport Version: 0.9\n",
            Err("the version file does not say `Directory Transport Version: 1.1`"),
        ),
        (
            "Directory Transport Version: 1.3\n",
            Err("version 1.3 of the format is newer than 1.2, the last one known here"),
        ),
        (
            "Directory Transport Version: 2.0\n",
            Err("version 2.0 of the format is newer than 1.2, the last one known here"),
        ),
    ] {
        let found = Version::parse(content.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(ToString::to_string), "{content:?}");
    }
    let (usual, long) = (digest(Algorithm::Sha256, 1), digest(Algorithm::Sha384, 1));
    assert_eq!(
        Version::for_digests([&usual]).text(),
        "Directory Transport Version: 1.1\n"
    );
    assert_eq!(Version::for_digests([&usual, &long]).to_string(), "1.2");
    assert_eq!(Version::for_digests([]).to_string(), "1.1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn names_lead_back(bytes in any::<[u8; 32]>(), which in 0usize..3, number in 1u32.., form in 0usize..4) {
        let algorithm = Algorithm::ALL[which];
        let hex = Digest::sha256(bytes).hex().repeat(2);
        let digest = Digest::from_hex(algorithm, &hex[..algorithm.hex_length()]).expect("right length");
        let file = [File::Child(digest), File::Blob(digest), File::Signature(number), File::ChildSignature(digest, number)][form];
        prop_assert_eq!(File::parse(&file.to_string()), Some(file));
    }

    #[test]
    fn no_name_panics(name in "\\PC*|(sha512-)?[0-9a-f]{63,65}([.][a-z-]{0,12}[0-9]{0,3})?") {
        if let Some(file) = File::parse(&name) {
            prop_assert_eq!(&file.to_string(), &name);
        }
        let _ = Version::parse(name.as_bytes());
    }
}
