//! From the text of a glob to tokens.
//!
//! Braces are multiplied out on the way, so `a{b,c}` becomes two rows of tokens. A `**` must stand
//! alone between slashes, which can only be seen in such a row (`{team/,}**`), so that comes last.
use std::iter::Peekable;
use std::str::Chars;

use super::token::Token;
use super::{Glob, GlobError};

/// An element before its neighbours are known.
#[derive(Clone, Copy)]
enum Element {
    Done(Token),
    /// `**`, and where it was written.
    TwoStars(usize),
}

type Row = Vec<Element>;

/// Reads a glob into its alternatives.
pub(super) fn parse(text: &str) -> Result<Vec<Vec<Token>>, GlobError> {
    if text.is_empty() {
        return Err(GlobError::Empty);
    }
    let found = text.chars().count();
    if found > Glob::MAX_LENGTH {
        return Err(GlobError::TooLong { found });
    }
    let mut parser = Parser {
        rest: text.chars().peekable(),
        position: 0,
    };
    let rows = parser.sequence(0)?;
    rows.iter().map(|row| settle(row)).collect()
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    /// Of the character that was read last, counted from one.
    position: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let letter = self.rest.next()?;
        self.position += 1;
        Some(letter)
    }

    fn next_if(&mut self, wanted: char) -> bool {
        let found = self.rest.peek() == Some(&wanted);
        if found {
            self.next();
        }
        found
    }

    /// Reads up to the end of the text or, inside of braces, up to `,` or `}`.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Row>, GlobError> {
        let mut rows = vec![Row::new()];
        while let Some(&letter) = self.rest.peek() {
            if depth > 0 && matches!(letter, ',' | '}') {
                break;
            }
            self.next();
            let position = self.position;
            let element = match letter {
                '*' => self.stars()?,
                '?' => Element::Done(Token::Any),
                '[' => Element::Done(Token::OneOf(self.class()?)),
                '{' => {
                    rows = product(&rows, &self.alternatives(depth + 1)?)?;
                    continue;
                }
                ']' | '}' | ',' | '!' | '^' => {
                    return Err(GlobError::Misplaced { letter, position });
                }
                '/' => Element::Done(Token::Letter(b'/')),
                _ => Element::Done(Token::Letter(name_letter(letter, position)?)),
            };
            for row in &mut rows {
                row.push(element);
            }
        }
        Ok(rows)
    }

    /// Reads on behind a star.
    fn stars(&mut self) -> Result<Element, GlobError> {
        let position = self.position;
        if !self.next_if('*') {
            return Ok(Element::Done(Token::Star));
        }
        if self.next_if('*') {
            return Err(GlobError::Stars { position });
        }
        Ok(Element::TwoStars(position))
    }

    /// Reads on behind an opening brace, up to the closing one.
    fn alternatives(&mut self, depth: usize) -> Result<Vec<Row>, GlobError> {
        let position = self.position;
        if depth > Glob::MAX_NESTING {
            return Err(GlobError::TooDeep { position });
        }
        let mut rows = Vec::new();
        loop {
            rows.append(&mut self.sequence(depth)?);
            if rows.len() > Glob::MAX_ALTERNATIVES {
                return Err(GlobError::TooMany);
            }
            match self.next() {
                Some(',') => {}
                Some(_) => return Ok(rows),
                None => {
                    return Err(GlobError::Unclosed {
                        letter: '{',
                        position,
                    });
                }
            }
        }
    }

    /// Reads on behind an opening bracket, up to the closing one.
    fn class(&mut self) -> Result<u128, GlobError> {
        let opened = self.position;
        let unclosed = GlobError::Unclosed {
            letter: '[',
            position: opened,
        };
        let negated = self.next_if('!') || self.next_if('^');
        let mut set = 0_u128;
        loop {
            let letter = self.next().ok_or(unclosed.clone())?;
            if letter == ']' {
                break;
            }
            let position = self.position;
            let first = name_letter(letter, position)?;
            let mut last = first;
            if self.next_if('-') {
                match self.rest.peek() {
                    // A dash before the end stands for itself.
                    Some(']') => set |= bit(b'-'),
                    _ => {
                        let letter = self.next().ok_or(unclosed.clone())?;
                        last = name_letter(letter, self.position)?;
                    }
                }
            }
            if last < first {
                return Err(GlobError::Backwards {
                    first: first.into(),
                    last: last.into(),
                    position,
                });
            }
            set |= (first..=last).map(bit).fold(0, |all, one| all | one);
        }
        if set == 0 {
            return Err(GlobError::EmptyClass { position: opened });
        }
        // Ranges can sweep over the slash, and its opposite contains it.
        let set = if negated { !set } else { set };
        Ok(set & !bit(b'/'))
    }
}

const fn bit(byte: u8) -> u128 {
    1 << byte
}

/// A character of a name, except the slash.
fn name_letter(letter: char, position: usize) -> Result<u8, GlobError> {
    match letter {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '.' | '_' | '-' => Ok(letter as u8),
        _ => Err(GlobError::Letter { letter, position }),
    }
}

/// Every row of `left` followed by every row of `right`.
fn product(left: &[Row], right: &[Row]) -> Result<Vec<Row>, GlobError> {
    if left.len() * right.len() > Glob::MAX_ALTERNATIVES {
        return Err(GlobError::TooMany);
    }
    let pairs = left
        .iter()
        .flat_map(|start| right.iter().map(move |end| (start, end)));
    Ok(pairs
        .map(|(start, end)| [start.as_slice(), end.as_slice()].concat())
        .collect())
}

/// Turns each `**` into the token for its place.
fn settle(row: &[Element]) -> Result<Vec<Token>, GlobError> {
    const SLASH: Token = Token::Letter(b'/');
    let mut tokens = Vec::with_capacity(row.len());
    let mut elements = row.iter().peekable();
    while let Some(element) = elements.next() {
        match *element {
            Element::Done(token) => tokens.push(token),
            Element::TwoStars(position) => {
                let starts = matches!(tokens.last(), None | Some(&(SLASH | Token::Components)));
                match elements.next() {
                    None if starts => tokens.push(Token::Rest),
                    Some(Element::Done(SLASH)) if starts => tokens.push(Token::Components),
                    _ => return Err(GlobError::Stars { position }),
                }
            }
        }
    }
    Ok(tokens)
}
