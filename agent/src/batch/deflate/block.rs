//! One block: which symbols it needs, their codes, and the tokens in them.

use super::bits::Bits;
use super::huffman::{self, Code};
use super::token::{DISTANCES, END, LENGTHS, SYMBOLS, Token};

/// Tokens of a block. Fewer would spend more on the codes than they gain by fitting closer.
const MAX_TOKENS: usize = 16 * 1024;

/// Longest code of a symbol or distance, and of a code length.
const MAX_CODE: usize = 15;
const MAX_LEN_CODE: usize = 7;

/// What one block holds, and how often each symbol comes in it.
#[derive(Debug)]
pub(super) struct Tokens {
    tokens: Box<[Token; MAX_TOKENS]>,
    count: usize,
    symbols: [u32; SYMBOLS],
    distances: [u32; DISTANCES],
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            tokens: Box::new([Token::END; MAX_TOKENS]),
            count: 0,
            symbols: [0; SYMBOLS],
            distances: [0; DISTANCES],
        }
    }
}

impl Tokens {
    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.symbols.fill(0);
        self.distances.fill(0);
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.count == MAX_TOKENS
    }

    #[inline]
    pub(super) fn literal(&mut self, byte: u8) {
        self.symbols[usize::from(byte)] += 1;
        self.add(Token::literal(byte));
    }

    /// Adds a repetition.
    #[inline]
    pub(super) fn push(&mut self, token: Token) {
        self.symbols[usize::from(LENGTHS[token.low()].symbol)] += 1;
        self.distances[usize::from(token.distance().symbol)] += 1;
        self.add(token);
    }

    #[inline]
    fn add(&mut self, token: Token) {
        self.tokens[self.count] = token;
        self.count += 1;
    }
}

/// Writes a block with codes of its own.
pub(super) fn write(tokens: &mut Tokens, is_last: bool, bits: &mut Bits<'_>) {
    tokens.symbols[END] += 1;
    let symbols = huffman::codes(&tokens.symbols, MAX_CODE);
    let distances = huffman::codes(&tokens.distances, MAX_CODE);
    bits.put(u32::from(is_last), 1);
    bits.put(0b10, 2);
    write_codes(&symbols, &distances, bits);
    write_tokens(&tokens.tokens[..tokens.count], &symbols, &distances, bits);
    bits.put(symbols[END].bits.into(), symbols[END].len.into());
    bits.flush();
}

fn write_tokens(
    tokens: &[Token],
    symbols: &[Code; SYMBOLS],
    distances: &[Code; DISTANCES],
    bits: &mut Bits<'_>,
) {
    // Code and extra bits of each length in one, for one look-up a token.
    let lengths: [(u32, u32); 256] = std::array::from_fn(|at| {
        let length = LENGTHS[at];
        let code = symbols[usize::from(length.symbol)];
        (u32::from(code.bits) | u32::from(length.extra) << code.len, u32::from(code.len + length.extra_len))
    });
    for token in tokens {
        if token.is_literal() {
            let code = symbols[token.low()];
            bits.put(code.bits.into(), code.len.into());
        } else {
            let (length, count) = lengths[token.low()];
            bits.put(length, count);
            let distance = token.distance();
            let code = distances[usize::from(distance.symbol)];
            bits.put(code.bits.into(), code.len.into());
            bits.put(distance.extra.into(), distance.extra_len.into());
        }
        bits.flush();
    }
}

/// A code length, or how often one comes in a row, with bits behind it.
#[derive(Debug, Clone, Copy)]
struct Step {
    symbol: u8,
    extra: u8,
    extra_len: u8,
}

/// The lengths of both codes, from which the reader knows them (RFC 1951, 3.2.7).
fn write_codes(symbols: &[Code], distances: &[Code], bits: &mut Bits<'_>) {
    let symbols_len = used(symbols).max(END + 1);
    let distances_len = used(distances).max(1);
    let lens: Vec<u8> =
        symbols[..symbols_len].iter().chain(&distances[..distances_len]).map(|code| code.len).collect();
    let steps = steps(&lens);
    let mut counts = [0u32; 19];
    steps.iter().for_each(|step| counts[usize::from(step.symbol)] += 1);
    let codes = huffman::codes(&counts, MAX_LEN_CODE);
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let codes_len = used(&ORDER.map(|symbol| codes[symbol])).max(4);
    bits.put((symbols_len - 257) as u32, 5);
    bits.put((distances_len - 1) as u32, 5);
    bits.put((codes_len - 4) as u32, 4);
    for symbol in &ORDER[..codes_len] {
        bits.flush();
        bits.put(codes[*symbol].len.into(), 3);
    }
    for step in steps {
        bits.flush();
        let code = codes[usize::from(step.symbol)];
        bits.put(code.bits.into(), code.len.into());
        bits.put(step.extra.into(), step.extra_len.into());
    }
    bits.flush();
}

/// How many codes there are up to the last that is used.
fn used(codes: &[Code]) -> usize {
    codes.iter().rposition(|code| code.len > 0).map_or(0, |last| last + 1)
}

/// Code lengths with repetitions taken together: 16 repeats the one before, 17 and 18 are zeros.
fn steps(lens: &[u8]) -> Vec<Step> {
    let mut steps = Vec::with_capacity(lens.len());
    for same in lens.chunk_by(|left, right| left == right) {
        let len = same[0];
        let plain = Step { symbol: len, extra: 0, extra_len: 0 };
        let mut rest = same.len();
        if len > 0 {
            steps.push(plain);
            rest -= 1;
        }
        while rest >= 3 {
            let (symbol, extra_len, least, most) = match (len, rest) {
                (0, 11..) => (18, 7, 11, 138),
                (0, _) => (17, 3, 3, 10),
                _ => (16, 2, 3, 6),
            };
            let now = rest.min(most);
            steps.push(Step { symbol, extra: (now - least) as u8, extra_len });
            rest -= now;
        }
        steps.extend(std::iter::repeat_n(plain, rest));
    }
    steps
}
