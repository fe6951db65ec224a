//! The tokens of a glob without braces, and the matching.

/// One element of a glob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// This character.
    Letter(u8),
    /// `?`
    Any,
    /// One of a set; bit `n` stands for the character with the code `n`.
    OneOf(u128),
    /// `*`
    Star,
    /// `**/`: any number of components, each with its slash.
    Components,
    /// `**` as the last element: everything.
    Rest,
}

impl Token {
    /// Returns true if a token for one character takes this one.
    const fn takes(self, byte: u8) -> bool {
        match self {
            Self::Letter(letter) => letter == byte,
            Self::Any => byte != b'/',
            Self::OneOf(set) => byte < 128 && set >> byte & 1 == 1,
            Self::Star | Self::Components | Self::Rest => false,
        }
    }
}

/// Returns true if `tokens` describe all of `name`.
///
/// A star first takes nothing and, at each mismatch, one character more; `**/` likewise takes one
/// component more. Only the last star needs to be reconsidered, and only inside of its component:
/// an earlier one could do nothing that the last cannot do. The same holds for `**/`.
pub(super) fn matches(tokens: &[Token], name: &[u8]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    let mut components: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(token), name.get(at)) {
            (None, None) | (Some(Token::Rest), _) => return true,
            (Some(Token::Star), _) => {
                token += 1;
                star = Some((token, at));
                continue;
            }
            (Some(Token::Components), _) => {
                token += 1;
                components = Some((token, at));
                star = None;
                continue;
            }
            (Some(single), Some(&byte)) if single.takes(byte) => {
                if byte == b'/' {
                    star = None;
                }
                token += 1;
                at += 1;
                continue;
            }
            _ => {}
        }
        if let Some((behind, from)) = star
            && name.get(from).is_some_and(|&byte| byte != b'/')
        {
            star = Some((behind, from + 1));
            (token, at) = (behind, from + 1);
        } else if let Some((behind, from)) = components
            && let Some(length) = name[from..].iter().position(|&byte| byte == b'/')
        {
            star = None;
            components = Some((behind, from + length + 1));
            (token, at) = (behind, from + length + 1);
        } else {
            return false;
        }
    }
}
