//! Text of strangers, made short and harmless for a message.
//!
//! A line of a list or a link file can be megabytes long and can hold escape codes for a terminal.
//! Errors keep an [`Excerpt`] instead of the text.
use std::fmt;

/// The largest number of characters of a stranger's text that a message repeats.
const LONGEST: usize = 80;

/// The beginning of a text, with everything escaped that is not a plain printable character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    /// Takes the beginning of `text`.
    pub fn of(text: &str) -> Self {
        let mut kept = String::new();
        for (count, letter) in text.chars().enumerate() {
            if count == LONGEST {
                kept.push('…');
                break;
            }
            kept.extend(letter.escape_debug());
        }
        Self(kept)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_unescaped() {
        assert_eq!(Excerpt::of("a\u{1b}[2Jb\n").to_string(), r"a\u{1b}[2Jb\n");
    }

    #[test]
    fn long_text_is_cut() {
        let shown = Excerpt::of(&"x".repeat(1 << 20)).to_string();
        assert_eq!(shown.chars().count(), LONGEST + 1);
        assert!(shown.ends_with('…'));
    }
}
