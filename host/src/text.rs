//! Text for people, and the one place where text from outside is made safe for a terminal.
//!
//! Names, lists, file contents and messages of components may hold escape sequences. JSON reports keep them, escaped by
//! JSON. Every line for a terminal goes through [`visible`] when it is composed: problems, component failures, log lines,
//! and whatever a command prints. No other code escapes anything.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;

/// Prints a line on standard error. A failure (it is closed, or a file on a full disk) is ignored: it cannot be reported
/// anywhere, and is no reason to end the run.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The text with control characters written out, so that it cannot control a terminal: `\u{1b}` instead of an escape. This
/// includes the second block of control characters, line separators and changes of the writing direction.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(controls_terminal) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if controls_terminal(character) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "{}", character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn controls_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How much of a text from outside a message holds, in bytes. Components may hand over mebibytes.
const BRIEF: usize = 4 << 10;

/// The text, or its start and how many bytes were left out.
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

/// Like [`brief`], for text that is owned.
pub fn shortened(text: String) -> String {
    match brief(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(short) => short,
    }
}

/// At most `limit` bytes from the start of a text, whole characters only.
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
    fn control_characters_are_written_out() {
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
    fn a_text_is_cut_between_characters() {
        assert_eq!(start_of("aüb", 2), "a");
        assert_eq!(start_of("aüb", 3), "aü");
        assert_eq!(start_of("a", 9), "a");
    }
}
