use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const HEX: &str = "0c1f2e3d4c5b6a79880716253443526170ffeeddccbbaa998877665544332211";

/// `hash` repeated to the length that `algorithm` wants.
fn text_of(algorithm: Algorithm) -> String {
    let hex: String = HEX.chars().cycle().take(algorithm.hex_length()).collect();
    format!("{algorithm}:{hex}")
}

#[test]
fn every_algorithm_round_trips() {
    for algorithm in Algorithm::ALL {
        let text = text_of(algorithm);
        let digest: Digest = text.parse().expect("well formed");
        assert_eq!(digest.to_string(), text);
        assert_eq!(digest.algorithm(), algorithm);
        assert_eq!(format!("{algorithm}:{}", digest.hex()), text);
        assert_eq!(format!("{algorithm}:{:?}", digest.hex()), text);
        assert_eq!(Digest::from_hex(algorithm, &digest.hex()), Ok(digest));
    }
}

#[test]
fn short_form() {
    let digest = Digest::parse(&text_of(Algorithm::Sha256)).expect("well formed");
    assert_eq!(digest.short().to_string(), "sha256:0c1f2e3d4c5b…");
}

#[test]
fn stays_small() {
    assert!(size_of::<Digest>() <= 65);
}

/// White space is blamed only where nothing else is wrong.
#[test]
fn white_space_hides_no_other_mistake() {
    let upper = text_of(Algorithm::Sha256).replace('c', "C");
    let error = Digest::parse(&format!(" {upper}\n")).expect_err("two mistakes");
    let message = error.to_string();
    assert!(
        !message.contains("white space") && !message.contains("line end"),
        "{message}"
    );
}

/// Digits are looked at two by two, and all at once in the end: no mistake hides another.
#[test]
fn two_wrong_letters_are_wrong_too() {
    for algorithm in Algorithm::ALL {
        let good = text_of(algorithm);
        let digits = algorithm.to_string().len() + 1;
        for position in digits..good.len() - 1 {
            for wrong in ["gg", "AA", "g:", "\0\0"] {
                let mut text = good.clone();
                text.replace_range(position..position + 2, wrong);
                assert!(Digest::parse(&text).is_err(), "{text}");
                assert!(
                    Digest::from_hex(algorithm, &text[digits..]).is_err(),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn refusals_name_the_mistake() {
    let good = text_of(Algorithm::Sha256);
    let upper = good.replace('c', "C");
    for (text, message) in [
        ("", "empty, where a digest should be"),
        (
            &format!("{good}\n"),
            "a digest with a line end behind it; it must be the last thing in the text",
        ),
        (
            &format!("{good}\r\n"),
            "a digest with a line end behind it; it must be the last thing in the text",
        ),
        (&format!(" {good}"), "a digest with white space around it"),
        (
            &format!("\n{good}\n"),
            "a digest with white space around it",
        ),
        (
            HEX,
            &format!("`{HEX}` is not a digest: it has no algorithm such as `sha256:` in front"),
        ),
        (
            "md5:00",
            "unknown digest algorithm `md5`: known are sha256, sha384 and sha512",
        ),
        (
            "SHA256:00",
            "unknown digest algorithm `SHA256`: known are sha256, sha384 and sha512",
        ),
        (
            "\u{1b}[2J:00",
            r"unknown digest algorithm `\u{1b}[2J`: known are sha256, sha384 and sha512",
        ),
        ("sha256:", "sha256 digest with 0 digits instead of 64"),
        (&good[..70], "sha256 digest with 63 digits instead of 64"),
        (
            &format!("{good}0"),
            "sha256 digest with 65 digits instead of 64",
        ),
        (&upper, "upper case letter `C` at position 9 of a digest"),
        (
            "sha256:../../etc/passwd",
            "`.` at position 8 of a digest is not a hexadecimal digit",
        ),
        (
            &good.replace("70ff", "7\0ff"),
            r"`\0` at position 41 of a digest is not a hexadecimal digit",
        ),
        (
            &good.replace("70ff", "７ff"),
            "`７` at position 40 of a digest is not a hexadecimal digit",
        ),
    ] {
        let error = Digest::parse(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text:?}");
    }
}

#[test]
fn a_set_tells_algorithms_apart() {
    let zero =
        |algorithm: Algorithm| Digest::from_hex(algorithm, &"0".repeat(algorithm.hex_length()));
    let set: HashSet<_> = Algorithm::ALL
        .map(|each| zero(each).expect("right length"))
        .into();
    assert_eq!(set.len(), 3);
}

/// The grammar once more, slowly and independently.
fn is_digest(text: &str) -> bool {
    [("sha256:", 64), ("sha384:", 96), ("sha512:", 128)]
        .iter()
        .any(|(start, length)| {
            text.strip_prefix(start).is_some_and(|hex| {
                hex.len() == *length && hex.chars().all(|c| "0123456789abcdef".contains(c))
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn accepts_what_the_grammar_accepts(
        text in "(sha256|sha384|sha512|sha1|):[0-9a-f]{62,66}|sha(384|512):[0-9a-fA]{95,97}|sha512:[0-9a-f]{127,129}|\\PC*"
    ) {
        prop_assert_eq!(Digest::parse(&text).is_ok(), is_digest(&text));
    }

    #[test]
    fn one_changed_character_never_passes_for_another(at in 0usize..71, letter in any::<char>()) {
        let mut letters: Vec<char> = text_of(Algorithm::Sha256).chars().collect();
        letters[at] = letter;
        let text: String = letters.into_iter().collect();
        match Digest::parse(&text) {
            Ok(digest) => prop_assert_eq!(digest.to_string(), text),
            Err(_) => prop_assert!(!is_digest(&text)),
        }
    }

    #[test]
    fn the_text_comes_back(digest in digest()) {
        let text = digest.to_string();
        prop_assert_eq!(Digest::parse(&text), Ok(digest));
        prop_assert_eq!(Digest::from_hex(digest.algorithm(), &digest.hex()), Ok(digest));
    }

    #[test]
    fn ordered_like_the_text(a in digest(), b in digest()) {
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }
}

fn digest() -> impl Strategy<Value = Digest> {
    let hash = proptest::collection::vec(any::<u8>(), 64);
    (0usize..3, hash).prop_map(|(which, hash)| match which {
        0 => Digest::sha256(hash[..32].try_into().expect("32 bytes")),
        1 => Digest::sha384(hash[..48].try_into().expect("48 bytes")),
        _ => Digest::sha512(hash[..].try_into().expect("64 bytes")),
    })
}

#[test]
fn equal_only_in_algorithm_and_hash() {
    let [one, other] = [[1; 32], [2; 32]].map(Digest::sha256);
    // The same bytes as far as they go.
    let longer = Digest::sha384([1; 48]);
    assert!(one == one && one != other && one != longer);
    assert_eq!(one.partial_cmp(&other), Some(Ordering::Less));
    assert_eq!(one.partial_cmp(&longer), Some(Ordering::Less));
    assert_eq!(format!("{one:?}"), one.to_string());
    let hash = |digest: Digest| {
        use std::hash::BuildHasher;
        std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default().hash_one(digest)
    };
    assert_eq!(hash(one), hash(one));
    assert!(hash(one) != hash(other) && hash(one) != hash(longer));
}

#[test]
fn a_pair_of_letters_that_are_no_digits_is_refused() {
    for pair in ["gg", "GG", "zz", "//", "::"] {
        let hex = HEX.replacen("0c", pair, 1);
        assert!(Digest::from_hex(Algorithm::Sha256, &hex).is_err(), "{pair}");
    }
}
