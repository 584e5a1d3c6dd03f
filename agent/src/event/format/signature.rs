//! How a line's format is recognised: by the keys at its top, and the kind of their values.

use super::Kind;

/// One way to recognise a format.
#[derive(Debug)]
pub(super) struct Signature {
    /// All of these are there.
    pub(super) all: &'static [Mark],
    /// At least one of these is there, if any is named.
    pub(super) any: &'static [Mark],
    /// None of these is there.
    pub(super) none: &'static [&'static str],
}

impl Signature {
    /// Every key it asks for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        let marks = self.all.iter().chain(self.any).map(Mark::key);
        marks.chain(self.none.iter().copied())
    }
}

/// A key with a kind of value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    Text(&'static str),
    /// A text that begins with a small letter.
    Lower(&'static str),
    /// A text that begins with a capital letter.
    Upper(&'static str),
    Number(&'static str),
    Object(&'static str),
    /// Any kind, null too.
    Present(&'static str),
}

/// How many kinds of marks there are.
const MARKS: usize = 6;

impl Mark {
    fn key(&self) -> &'static str {
        self.parts().1
    }

    /// Its place in [`Seen`] and its key.
    fn parts(self) -> (usize, &'static str) {
        match self {
            Self::Text(key) => (0, key),
            Self::Lower(key) => (1, key),
            Self::Upper(key) => (2, key),
            Self::Number(key) => (3, key),
            Self::Object(key) => (4, key),
            Self::Present(key) => (5, key),
        }
    }
}

const PRESENT: usize = MARKS - 1;

/// Which of the keys that signatures ask for a line has, a bit for each in every kind of mark it bears.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::event) struct Seen([u64; MARKS]);

impl Seen {
    /// Notes a key by its bit; `first` is the first byte inside its text.
    #[inline]
    pub(super) fn add(&mut self, bit: u64, kind: Kind, first: u8) {
        self.0[PRESENT] |= bit;
        match kind {
            Kind::Text => {
                self.0[0] |= bit;
                self.0[1] |= if first.is_ascii_lowercase() { bit } else { 0 };
                self.0[2] |= if first.is_ascii_uppercase() { bit } else { 0 };
            }
            Kind::Number => self.0[3] |= bit,
            Kind::Object => self.0[4] |= bit,
            _ => {}
        }
    }

    fn of(marks: &[Mark], bit: impl Fn(&str) -> u64) -> Self {
        let mut seen = Self::default();
        for mark in marks {
            let (place, key) = mark.parts();
            seen.0[place] |= bit(key);
        }
        seen
    }
}

/// A [`Signature`] in bits.
#[derive(Debug)]
pub(super) struct Compiled {
    all: Seen,
    any: Seen,
    /// No mark of `any` is asked for.
    any_is_empty: bool,
    none: u64,
}

impl Compiled {
    pub(super) fn new(signature: &Signature, bit: impl Fn(&str) -> u64) -> Self {
        Self {
            all: Seen::of(signature.all, &bit),
            any: Seen::of(signature.any, &bit),
            any_is_empty: signature.any.is_empty(),
            none: signature.none.iter().fold(0, |bits, key| bits | bit(key)),
        }
    }

    #[inline]
    pub(super) fn matches(&self, seen: &Seen) -> bool {
        let missing = (0..MARKS).fold(0, |bits, at| bits | self.all.0[at] & !seen.0[at]);
        let found = (0..MARKS).fold(0, |bits, at| bits | self.any.0[at] & seen.0[at]);
        missing == 0 && (found != 0 || self.any_is_empty) && self.none & seen.0[PRESENT] == 0
    }
}
