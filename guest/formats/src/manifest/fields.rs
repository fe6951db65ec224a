//! Which key of an object is which, for all readers alike.

use regcarve_types::Excerpt;

use super::Problem;

/// The keys of one object, while they are read.
pub(super) struct Fields {
    known: &'static [&'static str],
    /// Bit `n` is set once `known[n]` was there.
    seen: u32,
}

impl Fields {
    pub(super) const fn new(known: &'static [&'static str]) -> Self {
        assert!(known.len() <= u32::BITS as usize);
        Self { known, seen: 0 }
    }

    /// The known key that `found` is, or `None` if it is nobody's.
    pub(super) fn admit(&mut self, found: &str) -> Result<Option<&'static str>, Problem> {
        if let Some(index) = self.known.iter().position(|known| *known == found) {
            let known = self.known[index];
            if self.seen & 1 << index != 0 {
                return Err(Problem::RepeatedKey(known));
            }
            self.seen |= 1 << index;
            return Ok(Some(known));
        }
        match self.known.iter().find(|known| is_same_in_go(found, known)) {
            Some(known) => Err(Problem::KeyCase {
                found: Excerpt::of(found),
                known,
            }),
            None => Ok(None),
        }
    }
}

/// Whether the JSON reader of Go takes `found` for the ASCII key `known`.
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

    const KNOWN: &[&str] = &["layers", "mediaType", "os.version", "k"];

    #[test]
    fn keys_are_known_unknown_or_refused() {
        let mut fields = Fields::new(KNOWN);
        assert_eq!(fields.admit("layers"), Ok(Some("layers")));
        assert_eq!(fields.admit("layer"), Ok(None));
        assert_eq!(fields.admit("layerss"), Ok(None));
        assert_eq!(fields.admit("layer\u{df}"), Ok(None));
        assert_eq!(fields.admit(""), Ok(None));
        assert_eq!(fields.admit("layers"), Err(Problem::RepeatedKey("layers")));
        for (found, known) in [
            ("Layers", "layers"),
            ("layerſ", "layers"),
            ("mediatype", "mediaType"),
            ("OS.Version", "os.version"),
            ("os.verſion", "os.version"),
            ("\u{212a}", "k"),
        ] {
            let refused = fields.admit(found);
            let expected = Problem::KeyCase {
                found: Excerpt::of(found),
                known,
            };
            assert_eq!(refused, Err(expected));
        }
    }
}
