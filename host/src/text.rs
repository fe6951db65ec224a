//! Text from strangers, made harmless.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;

/// Prints a line on standard error. Should that be closed, or a file on a full disk, there is nobody to tell, and no reason to
/// end the run.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The text with control characters made visible, so that it cannot steer a terminal: `\u{1b}` instead
/// of an escape. Also the second block of control characters, and those that turn the writing direction.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "{}", character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How much of a stranger's text a message holds, in bytes. The limits of components let them hand over mebibytes.
const BRIEF: usize = 4 << 10;

/// The text, or its start and how much there is behind it.
pub fn brief(text: &str) -> Cow<'_, str> {
    if text.len() <= BRIEF {
        return Cow::Borrowed(text);
    }
    let start = start_of(text, BRIEF);
    Cow::Owned(format!(
        "{start}… ({} bytes more)",
        text.len() - start.len()
    ))
}

/// [`brief`], for text that is kept.
pub fn shortened(text: String) -> String {
    match brief(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(short) => short,
    }
}

/// At most `limit` bytes from the start, whole characters.
pub fn start_of(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A number of bytes for people: `1.5 MiB`.
pub fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// `1 image`, `2 images`.
pub fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ if thing.ends_with('y') => format!("{number} {}ies", &thing[..thing.len() - 1]),
        _ => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{brief, shortened, start_of, visible};

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(visible("plain, ünï, 日本"), "plain, ünï, 日本");
        assert_eq!(visible("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(visible("a\u{9b}b\r"), "a\\u{9b}b\\u{d}");
        assert_eq!(visible("\u{202e}x"), "\\u{202e}x");
    }

    #[test]
    fn long_text_is_shortened_and_says_so() {
        assert_eq!(brief("short"), "short");
        let long = "ü".repeat(5_000);
        assert_eq!(brief(&long).len(), 4_096 + "… (5904 bytes more)".len());
        assert!(shortened(long).ends_with("ü… (5904 bytes more)"));
    }

    #[test]
    fn cuts_between_characters() {
        assert_eq!(start_of("aüb", 2), "a");
        assert_eq!(start_of("aüb", 3), "aü");
        assert_eq!(start_of("a", 9), "a");
    }
}
