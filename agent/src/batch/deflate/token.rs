//! One step of a compressed text: a byte, or a repetition of what came before.

/// Shortest repetition DEFLATE can name, and the longest.
pub(super) const MIN_MATCH: usize = 3;
pub(super) const MAX_MATCH: usize = 258;

/// How far back a repetition may reach.
pub(super) const WINDOW: usize = 32 * 1024;

/// Number of symbols for bytes, end of block and lengths.
pub(super) const SYMBOLS: usize = 286;
/// Number of symbols for distances.
pub(super) const DISTANCES: usize = 30;
/// The symbol that ends a block.
pub(super) const END: usize = 256;

/// A byte, or length and distance of a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token(u32);

const MATCH: u32 = 1 << 31;

impl Token {
    pub(super) const END: Self = Self(0);

    #[inline]
    pub(super) fn literal(byte: u8) -> Self {
        Self(u32::from(byte))
    }

    /// `len` from 3 to 258, `distance` from 1 to 32768.
    #[inline]
    pub(super) fn repeat(len: usize, distance: usize) -> Self {
        debug_assert!((MIN_MATCH..=MAX_MATCH).contains(&len) && (1..=WINDOW).contains(&distance));
        Self(MATCH | (distance as u32 - 1) << 8 | (len - MIN_MATCH) as u32)
    }

    #[inline]
    pub(super) fn is_literal(self) -> bool {
        self.0 & MATCH == 0
    }

    /// The byte of a literal, else the length of the repetition less three.
    #[inline]
    pub(super) fn low(self) -> usize {
        (self.0 & 0xff) as usize
    }

    /// Of a repetition.
    #[inline]
    pub(super) fn distance(self) -> Distance {
        Distance::of(self.0 >> 8 & 0x7fff)
    }
}

/// How a length is written: its symbol, and bits behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) symbol: u16,
    pub(super) extra: u8,
    pub(super) extra_len: u8,
}

/// By length less three (RFC 1951, 3.2.5).
pub(super) static LENGTHS: [Length; 256] = lengths();

const fn lengths() -> [Length; 256] {
    let mut lengths = [Length { symbol: 0, extra: 0, extra_len: 0 }; 256];
    let mut at = 0;
    while at < 256 {
        lengths[at] = match at {
            0..8 => Length { symbol: 257 + at as u16, extra: 0, extra_len: 0 },
            // Longest of all, with a symbol of its own.
            255 => Length { symbol: 285, extra: 0, extra_len: 0 },
            _ => {
                let extra_len = at.ilog2() - 2;
                let symbol = 257 + 4 * extra_len as u16 + (at >> extra_len) as u16;
                Length { symbol, extra: (at & ((1 << extra_len) - 1)) as u8, extra_len: extra_len as u8 }
            }
        };
        at += 1;
    }
    lengths
}

/// How a distance is written: its symbol, and bits behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Distance {
    pub(super) symbol: u8,
    pub(super) extra_len: u8,
    pub(super) extra: u16,
}

impl Distance {
    /// Of the distance less one.
    #[inline]
    fn of(less_one: u32) -> Self {
        if less_one < 4 {
            return Self { symbol: less_one as u8, extra_len: 0, extra: 0 };
        }
        let extra_len = less_one.ilog2() - 1;
        let symbol = 2 * extra_len + (less_one >> extra_len);
        let extra = less_one & ((1 << extra_len) - 1);
        Self { symbol: symbol as u8, extra_len: extra_len as u8, extra: extra as u16 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First values and extra bits of the tables in RFC 1951, 3.2.5.
    #[test]
    fn lengths_and_distances_have_the_symbols_of_the_specification() {
        let lengths = [
            (3, 257, 0),
            (10, 264, 0),
            (11, 265, 1),
            (12, 265, 1),
            (13, 266, 1),
            (19, 269, 2),
            (35, 273, 3),
            (67, 277, 4),
            (131, 281, 5),
            (227, 284, 5),
            (257, 284, 5),
            (258, 285, 0),
        ];
        for (len, symbol, extra_len) in lengths {
            let found = LENGTHS[len - MIN_MATCH];
            assert_eq!((found.symbol, found.extra_len), (symbol, extra_len), "length {len}");
        }
        assert_eq!(LENGTHS[257 - MIN_MATCH].extra, 30);
        let distances = [
            (1, 0, 0, 0),
            (4, 3, 0, 0),
            (5, 4, 1, 0),
            (8, 5, 1, 1),
            (9, 6, 2, 0),
            (1025, 20, 9, 0),
            (24_577, 29, 13, 0),
            (32_768, 29, 13, 8191),
        ];
        for (distance, symbol, extra_len, extra) in distances {
            let found = Token::repeat(3, distance).distance();
            assert_eq!(
                (found.symbol, found.extra_len, found.extra),
                (symbol, extra_len, extra),
                "distance {distance}"
            );
        }
    }
}
