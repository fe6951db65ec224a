use proptest::prelude::*;
use regcarve_types::Algorithm;

use super::*;

const HEX: &str = "0c1f2e3d4c5b6a79880716253443526170ffeeddccbbaa998877665544332211";

#[test]
fn the_paths_of_a_registry() {
    let digest = Digest::from_hex(Algorithm::Sha256, HEX).expect("well formed");
    let repository = &Repository::parse("team/app").expect("well formed");
    let tag = &Tag::parse("1.0").expect("well formed");
    let own = "docker/registry/v2/repositories/team/app";
    for (place, path) in [
        (Place::Blobs, "docker/registry/v2/blobs".to_string()),
        (
            Place::BlobData { digest },
            format!("docker/registry/v2/blobs/sha256/0c/{HEX}/data"),
        ),
        (
            Place::Repositories,
            "docker/registry/v2/repositories".to_string(),
        ),
        (Place::Repository { repository }, own.to_string()),
        (Place::Layers { repository }, format!("{own}/_layers")),
        (
            Place::LayerLink { repository, digest },
            format!("{own}/_layers/sha256/{HEX}/link"),
        ),
        (Place::Manifests { repository }, format!("{own}/_manifests")),
        (
            Place::Revisions { repository },
            format!("{own}/_manifests/revisions"),
        ),
        (
            Place::RevisionLink { repository, digest },
            format!("{own}/_manifests/revisions/sha256/{HEX}/link"),
        ),
        (Place::Tags { repository }, format!("{own}/_manifests/tags")),
        (
            Place::CurrentTag { repository, tag },
            format!("{own}/_manifests/tags/1.0/current/link"),
        ),
        (
            Place::TagHistory { repository, tag },
            format!("{own}/_manifests/tags/1.0/index"),
        ),
        (
            Place::TagIndex {
                repository,
                tag,
                digest,
            },
            format!("{own}/_manifests/tags/1.0/index/sha256/{HEX}/link"),
        ),
    ] {
        assert_eq!(place.path(), path);
        assert_eq!(place.to_string(), path);
        assert_eq!(parse(&path).expect("a place").as_place(), place);
    }
}

#[test]
fn other_paths() {
    let own = "docker/registry/v2/repositories/team/app";
    for path in [
        "",
        "docker/registry/v2",
        "docker/registry/v2/",
        "/docker/registry/v2/blobs",
        "docker/registry/v1/blobs",
        "docker/registry/v2x/blobs",
        "docker/registry/v2/blobs/",
        "docker/registry/v2//blobs",
        "docker/registry/v2/blobs/sha256",
        &format!("docker/registry/v2/blobs/sha256/0d/{HEX}/data"),
        &format!("docker/registry/v2/blobs/sha256/0c1/{HEX}/data"),
        &format!("docker/registry/v2/blobs/sha256//{HEX}/data"),
        &format!("docker/registry/v2/blobs/md5/0c/{HEX}/data"),
        &format!("docker/registry/v2/blobs/sha256/0c/{HEX}/data.tmp"),
        "docker/registry/v2/blobs/sha256/../x/data",
        "docker/registry/v2/repositories/",
        "docker/registry/v2/repositories/..",
        "docker/registry/v2/repositories/_layers",
        "docker/registry/v2/repositories/Team",
        &format!("{own}/_uploads"),
        &format!("{own}/_uploads/x/data"),
        &format!("{own}/_manifests/"),
        &format!("{own}/_manifests/revisions/sha256"),
        &format!("{own}/_manifests/tags/1.0"),
        &format!("{own}/_manifests/tags/.x/current/link"),
        &format!("{own}/_manifests/tags/../current/link"),
        &format!("{own}/_manifests/tags/1.0/current/link/"),
        &format!("{own}/_layers/sha256/{HEX}/link.0f.tmp"),
        &format!("{own}/_layers/sha256/{}/link", HEX.to_uppercase()),
        &format!("{own}/_layers/sha512/{HEX}/link"),
    ] {
        assert!(parse(path).is_err(), "{path}");
    }
    let error = parse("a\nb").expect_err("no place");
    assert_eq!(
        error.to_string(),
        r"`a\nb` is no place in the storage of a registry"
    );
}

#[test]
fn digests_in_paths() {
    let digest = Digest::from_hex(Algorithm::Sha256, HEX).expect("well formed");
    let repository = &Repository::parse("team/app").expect("well formed");
    let tag = &Tag::parse("1.0").expect("well formed");
    let link = Place::RevisionLink { repository, digest };
    assert_eq!(link.digest(), Some(digest));
    assert_eq!(Place::BlobData { digest }.digest(), Some(digest));
    assert_eq!(Place::CurrentTag { repository, tag }.digest(), None);
}

prop_compose! {
    fn any_names()(
        repository in "[a-z0-9]{1,6}([._/-][a-z0-9]{1,6}){0,4}",
        tag in "[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,9}",
        which in 0usize..3,
        bytes in any::<[u8; 32]>(),
    ) -> (Repository, Tag, Digest) {
        let algorithm = Algorithm::ALL[which];
        let hex = Digest::sha256(bytes).hex().repeat(2);
        (
            Repository::parse(&repository).expect("well formed"),
            Tag::parse(&tag).expect("well formed"),
            Digest::from_hex(algorithm, &hex[..algorithm.hex_length()]).expect("right length"),
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn path_and_place_are_inverse((repository, tag, digest) in any_names()) {
        let (repository, tag) = (&repository, &tag);
        for place in [
            Place::BlobData { digest },
            Place::Repository { repository },
            Place::Layers { repository },
            Place::LayerLink { repository, digest },
            Place::Manifests { repository },
            Place::Revisions { repository },
            Place::RevisionLink { repository, digest },
            Place::Tags { repository },
            Place::CurrentTag { repository, tag },
            Place::TagHistory { repository, tag },
            Place::TagIndex { repository, tag, digest },
        ] {
            let path = place.path();
            prop_assert_eq!(path.as_str(), place.to_string());
            let parsed = parse(&path).expect("a place");
            prop_assert_eq!(parsed.as_place(), place);
        }
    }

    #[test]
    fn nothing_else_is_a_place(path in "docker/registry/v2/(blobs|repositories)(/(_layers|_manifests|tags|revisions|sha256|link|data|current|[a-z.]{0,3}|[0-9a-f]{64})){0,7}|\\PC*") {
        if let Ok(place) = parse(&path) {
            prop_assert_eq!(place.as_place().path(), path);
        }
    }

    #[test]
    fn the_room_for_a_path_suffices((repository, tag, digest) in any_names()) {
        let path = Place::TagIndex { repository: &repository, tag: &tag, digest }.path();
        let capacity = path.capacity();
        let longest = repository.as_str().len() + tag.as_str().len() + digest.hex().len() + 80;
        prop_assert_eq!(capacity, longest);
    }
}
