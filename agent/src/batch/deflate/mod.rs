//! DEFLATE (RFC 1951) for the bodies of requests, at the price of level 1 and for what they are made of.
//!
//! A body is the same document over and over with other values in it. So most of it repeats what lies one document back, and
//! where one repetition ends the next one often goes on at the same distance. The matcher tries that distance first,
//! remembers only the positions it has looked at, and passes over the inside of a match; libdeflate enters every byte
//! of it into its table. On our bodies that makes it twice as fast at the same size, see
//! `docs/decisions/0004-own-deflate-for-level-1.md`.
//!
//! ```text
//! text → matcher (tokens) → huffman (codes of the block) → block (bits) → gzip, zlib
//! ```
//!
//! Any input is compressed correctly; what does not repeat becomes a little longer than it was (under 1 %). The output depends
//! on the input alone. Memory: 128 KiB for table and tokens.

mod token;

mod matcher;

mod huffman;

mod bits;

mod block;

use bits::Bits;
use block::Tokens;
use matcher::Matcher;

/// Makes gzip members and zlib streams. Keeps its tables from text to text.
#[derive(Debug, Default)]
pub(super) struct Deflater {
    matcher: Matcher,
    tokens: Tokens,
}

/// No file name, no time, made by the fastest algorithm, on an unknown system.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// Window of 32 KiB, made by the fastest algorithm.
const ZLIB_HEAD: [u8; 2] = [0x78, 0x01];

impl Deflater {
    /// Replaces `out` by one gzip member that holds `text`, which is shorter than 4 GiB.
    pub(super) fn gzip(&mut self, text: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&GZIP_HEAD);
        self.deflate(text, out);
        out.extend_from_slice(&crc32fast::hash(text).to_le_bytes());
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    }

    /// Replaces `out` by one zlib stream (RFC 1950) that holds `text`.
    pub(super) fn zlib(&mut self, text: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&ZLIB_HEAD);
        self.deflate(text, out);
        let mut sum = libdeflater::Adler32::new();
        sum.update(text);
        out.extend_from_slice(&sum.sum().to_be_bytes());
    }

    fn deflate(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut bits = Bits::new(out);
        self.matcher.begin();
        let mut at = 0;
        loop {
            self.tokens.clear();
            at = self.matcher.tokens(text, at, &mut self.tokens);
            block::write(&mut self.tokens, at == text.len(), &mut bits);
            if at == text.len() {
                break;
            }
        }
        bits.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read;

    /// Two decoders of different make read back what went in.
    #[track_caller]
    fn check(deflater: &mut Deflater, text: &[u8]) -> usize {
        let mut packed = Vec::new();
        deflater.gzip(text, &mut packed);
        let mut read = Vec::new();
        flate2::read::MultiGzDecoder::new(&packed[..]).read_to_end(&mut read).expect("zlib-rs takes it");
        assert!(read == text, "zlib-rs reads something else");
        let mut read = vec![0; text.len()];
        let len = libdeflater::Decompressor::new().gzip_decompress(&packed, &mut read);
        assert_eq!(len, Ok(text.len()), "libdeflate takes it");
        assert!(read == text, "libdeflate reads something else");
        let len = packed.len();
        deflater.zlib(text, &mut packed);
        let mut read = Vec::new();
        flate2::read::ZlibDecoder::new(&packed[..])
            .read_to_end(&mut read)
            .expect("zlib-rs takes the zlib form");
        assert!(read == text, "zlib-rs reads something else from the zlib form");
        len
    }

    /// Bytes that repeat nothing (xorshift).
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    fn documents(count: usize) -> Vec<u8> {
        let document = |at: usize| {
            format!(
                "{{\"@timestamp\":\"2026-08-21T10:15:30.{:06}Z\",\"message\":\"order {at} paid\",\"host\":\"web-1\"}}\n",
                at * 997 % 1_000_000
            )
        };
        (0..count).flat_map(|at| document(at).into_bytes()).collect()
    }

    #[test]
    fn short_and_one_sided_texts_come_back() {
        let mut deflater = Deflater::default();
        for len in (0..20).chain([255, 258, 259, 260, 300, 516, 517, 1000, 100_000]) {
            check(&mut deflater, &vec![b'a'; len]);
            check(&mut deflater, &noise(len));
        }
        check(&mut deflater, &(0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn matches_reach_back_32_kib_and_no_further() {
        let mut deflater = Deflater::default();
        let word = b"0123456789abcdefghij";
        for gap in [32_747, 32_748, 32_749, 40_000, 70_000] {
            let text = [&word[..], &noise(gap), word].concat();
            check(&mut deflater, &text);
        }
    }

    #[test]
    fn several_blocks_come_back_and_repetition_pays() {
        let mut deflater = Deflater::default();
        let text = documents(40_000);
        let packed = check(&mut deflater, &text);
        assert!(packed * 6 < text.len(), "{packed} of {} bytes", text.len());
    }

    #[test]
    fn noise_grows_by_less_than_a_hundredth() {
        let text = noise(300_000);
        let packed = check(&mut Deflater::default(), &text);
        assert!(packed < text.len() + text.len() / 100, "{packed} bytes");
    }

    #[test]
    fn one_text_gives_the_same_bytes_whatever_came_before() {
        let (mut fresh, mut used) = (Deflater::default(), Deflater::default());
        let (mut first, mut again) = (Vec::new(), Vec::new());
        used.gzip(&noise(50_000), &mut again);
        fresh.gzip(&documents(500), &mut first);
        used.gzip(&documents(500), &mut again);
        assert!(first == again);
    }

    /// Counts that follow the Fibonacci numbers give the deepest codes there are.
    #[test]
    fn codes_deeper_than_fifteen_bits_are_flattened() {
        let mut text = Vec::new();
        let (mut count, mut next) = (1usize, 1);
        for byte in 0..22u8 {
            // No four neighbours come twice often enough to become matches only.
            text.extend(std::iter::repeat_n(byte, count));
            (count, next) = (next, count + next);
        }
        let mut order = noise(text.len());
        for at in (1..text.len()).rev() {
            text.swap(at, usize::from(order.pop().expect("as many")) * at / 255);
        }
        check(&mut Deflater::default(), &text);
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(
            parts in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..40), 1usize..60), 0..60)
        ) {
            let text: Vec<u8> = parts.iter().flat_map(|(part, times)| part.repeat(*times)).collect();
            check(&mut Deflater::default(), &text);
        }

        #[test]
        fn any_text_of_few_letters_comes_back(text in "[ab]{0,3000}") {
            check(&mut Deflater::default(), text.as_bytes());
        }
    }
}
