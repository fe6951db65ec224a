//! Keys that are the same to Go, and different to other readers.

use regcarve_types::Excerpt;
use serde::de::Error;

/// Refuses a key that Go takes for one of `keys`, and other readers for none.
pub(super) fn check<E: Error>(found: &str, keys: &[&str]) -> Result<(), E> {
    if keys.contains(&found) {
        return Ok(());
    }
    match keys.iter().find(|key| is_same_in_go(found, key)) {
        None => Ok(()),
        Some(key) => Err(E::custom(format_args!(
            "key `{}` is `{key}` for some readers and unknown to others",
            Excerpt::of(found)
        ))),
    }
}

/// Returns true if the JSON reader of Go takes `found` for the ASCII key `known`.
///
/// It compares by simple case folding of Unicode, in which two letters beyond ASCII are equal to
/// ASCII ones: the long s and the sign for kelvin.
fn is_same_in_go(found: &str, known: &str) -> bool {
    let folded = found.chars().map(|letter| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    folded.eq(known.chars().map(|letter| letter.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["layers", "mediaType", "os.version", "k"];

    fn checked(found: &str) -> Result<(), String> {
        check(found, KEYS).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn keys_are_known_unknown_or_refused() {
        for known_or_unknown in ["layers", "layer", "layerss", "layer\u{df}", ""] {
            assert_eq!(checked(known_or_unknown), Ok(()));
        }
        for (found, known) in [
            ("Layers", "layers"),
            ("layerſ", "layers"),
            ("mediatype", "mediaType"),
            ("OS.Version", "os.version"),
            ("os.verſion", "os.version"),
            ("\u{212a}", "k"),
        ] {
            let message =
                format!("key `{found}` is `{known}` for some readers and unknown to others");
            assert_eq!(checked(found), Err(message));
        }
    }
}
