//! Arbitrary answers, made of bytes that the test lends: most of them nearly right, since what is all wrong is
//! refused at the first look.

use arbitrary::Unstructured;
use regcarve_layout_kit::raw::{ClosureEntry, Failure, Kind, Platform};

use crate::ESCAPES;

/// A source of answers. When its bytes are used up it gives the first of every choice.
pub struct Wild<'a>(Unstructured<'a>);

impl<'a> Wild<'a> {
    /// Answers made of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        self.0
            .int_in_range(0..=end.saturating_sub(1))
            .unwrap_or_default()
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u32) -> bool {
        self.below(n) == n - 1
    }

    /// Any number, often an extreme one.
    pub fn number(&mut self) -> u64 {
        match self.below(4) {
            0 => u64::from(self.below(4)),
            1 => u64::MAX - u64::from(self.below(3)),
            2 => 1 << self.below(64),
            _ => self.0.arbitrary().unwrap_or_default(),
        }
    }

    /// So many of something.
    pub fn some<T>(&mut self, most: u32, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }

    /// One of these.
    pub fn one_of<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        self.0.choose(choices).ok().cloned()
    }

    /// Any text.
    pub fn text(&mut self) -> String {
        match self.below(8) {
            0 => "text".into(),
            1 => String::new(),
            2 => ESCAPES.into(),
            3 => "x".repeat(self.below(70_000) as usize),
            4 => "ü".repeat(self.below(5_000) as usize),
            5 => "\n".repeat(self.below(100) as usize),
            6 => "{}%s$(id)`'\"\\".into(),
            _ => {
                let bytes: Vec<u8> = self.some(40, |wild| wild.below(256) as u8);
                bytes.into_iter().map(char::from).collect()
            }
        }
    }

    /// A text that is most often the one that was known already, or made of it.
    pub fn near(&mut self, known: &str) -> String {
        match self.below(12) {
            0..=6 => known.into(),
            7 => known.to_uppercase(),
            8 => format!("{known}{}", self.text()),
            9 => format!("{}{known}", self.text()),
            10 => known.chars().skip(self.below(9) as usize).collect(),
            _ => self.text(),
        }
    }

    /// A digest, most often one of these.
    pub fn digest(&mut self, known: &[String]) -> String {
        let one = self.one_of(known).unwrap_or_default();
        match self.below(10) {
            0..=7 => one,
            8 => format!("sha256:{:064x}", self.number()),
            _ => self.near(&one),
        }
    }

    /// A path, most often one of these.
    pub fn path(&mut self, known: &[&str]) -> String {
        let one = self.one_of(known).unwrap_or_default();
        match self.below(14) {
            0..=7 => one.into(),
            8 => format!("../{one}"),
            9 => format!("{one}/"),
            10 => format!("{one}/.."),
            11 => format!("/{one}"),
            12 => "d/".repeat(self.below(600) as usize) + one,
            _ => self.near(one),
        }
    }

    /// A kind of content.
    pub fn kind(&mut self) -> Kind {
        let kinds = [Kind::Manifest, Kind::Index, Kind::Config, Kind::Layer];
        self.one_of(&kinds).unwrap_or(Kind::Layer)
    }

    /// A platform, most often a good one.
    pub fn platform(&mut self) -> Platform {
        Platform {
            os: self.near("linux"),
            architecture: self.near("amd64"),
            variant: self.once_in(3).then(|| self.near("v8")),
            os_version: self.once_in(5).then(|| self.near("10.0.17763")),
        }
    }

    /// Why something was not done.
    pub fn failure(&mut self) -> Failure {
        match self.below(5) {
            0 => Failure::NotFound,
            1 => Failure::Occupied,
            2 => Failure::Refused(self.text()),
            3 => Failure::Damaged(self.text()),
            _ => Failure::Other(self.text()),
        }
    }

    /// Changes what is said of some content.
    pub fn spoil(&mut self, content: &mut ClosureEntry, known: &[String]) {
        match self.below(8) {
            0 => content.digest = self.digest(known),
            1 => content.media_type = self.near(&content.media_type),
            2 => content.size = self.number(),
            3 => content.kind = self.kind(),
            4 => content.platform = Some(self.platform()),
            5 => content.describes = Some(self.digest(known)),
            6 => content.children = self.some(6, |wild| wild.below(5)),
            _ => content.children = self.some(6, |wild| wild.number() as u32),
        }
    }
}
