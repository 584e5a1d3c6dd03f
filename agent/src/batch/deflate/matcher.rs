//! Finds what of a text has come before.

use super::block::Tokens;
use super::token::{MAX_MATCH, Token, WINDOW};

/// Number of entries of the table, as a power of two: 64 KiB, so that it stays in a core's nearest caches.
const TABLE_BITS: u32 = 14;

/// Bytes a position is found by. Shorter repetitions of far text cost about as many bits as they save.
const HASHED: u32 = 6;

/// Bytes that have to agree.
const PROBE: usize = 4;

/// Where each sequence of bytes was seen last, and how far back the last match was.
#[derive(Debug)]
pub(super) struct Matcher {
    /// 0 where nothing was seen: the bytes there are compared like any others.
    seen: Box<[u32; 1 << TABLE_BITS]>,
    distance: usize,
}

impl Default for Matcher {
    fn default() -> Self {
        Self { seen: Box::new([0; 1 << TABLE_BITS]), distance: 1 }
    }
}

impl Matcher {
    /// Forgets the text before.
    pub(super) fn begin(&mut self) {
        self.seen.fill(0);
        self.distance = 1;
    }

    /// Adds tokens for `text` from `at` on, until they are full or the text ends; says where.
    pub(super) fn tokens(&mut self, text: &[u8], mut at: usize, tokens: &mut Tokens) -> usize {
        while !tokens.is_full() {
            let Some(here) = eight(text, at) else {
                let Some(byte) = text.get(at) else { break };
                tokens.literal(*byte);
                at += 1;
                continue;
            };
            match self.distance_to_same(text, at, here) {
                Some(distance) => {
                    let len = same_len(text, at - distance, at);
                    tokens.push(Token::repeat(len, distance));
                    self.distance = distance;
                    at += len;
                }
                None => {
                    tokens.literal(here as u8);
                    at += 1;
                }
            }
        }
        at
    }

    /// How far back the bytes at `at` stand, too: tried are the distance of the match before, and the last place where six
    /// bytes with the same hash stood.
    #[inline]
    fn distance_to_same(&mut self, text: &[u8], at: usize, here: u64) -> Option<usize> {
        let seen = &mut self.seen[slot(here)];
        let last_seen = *seen as usize;
        *seen = at as u32;
        let is_same = |from: usize| eight(text, from).is_some_and(|there| there as u32 == here as u32);
        if is_same(at.wrapping_sub(self.distance)) {
            return Some(self.distance);
        }
        let distance = at - last_seen;
        (distance.wrapping_sub(1) < WINDOW && is_same(last_seen)).then_some(distance)
    }
}

#[inline]
fn slot(here: u64) -> usize {
    let hashed = here << (64 - 8 * HASHED);
    (hashed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - TABLE_BITS)) as usize
}

#[inline]
fn eight(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes at `from` and `at` are the same, of which [`PROBE`] are known to be.
#[inline]
fn same_len(text: &[u8], from: usize, at: usize) -> usize {
    let max = (text.len() - at).min(MAX_MATCH);
    let (before, here) = (&text[from..from + max], &text[at..at + max]);
    let mut len = PROBE;
    while let (Some(before), Some(here)) = (eight(before, len), eight(here, len)) {
        let differences = before ^ here;
        if differences != 0 {
            return len + (differences.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    let rest = before[len..].iter().zip(&here[len..]);
    len + rest.take_while(|(before, here)| before == here).count()
}
