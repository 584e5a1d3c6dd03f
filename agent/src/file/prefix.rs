//! A running hash over everything before an offset, that can be taken up again after a restart.
//!
//! The text is hashed in blocks of 64 KiB that are chained, so that resuming needs the chain at the last block border
//! (16 bytes in the checkpoint) and at most one block of the file, not the whole file again.

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

/// Length of a block.
pub const BLOCK: u64 = 64 * 1024;

/// How many bytes before an offset the tail hash covers.
pub const TAIL: u64 = 1024;

/// What is known of the bytes before `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// End of the bytes.
    pub offset: u64,
    /// The chain over the whole blocks among them.
    pub blocks: u128,
    /// The hash over all of them.
    pub prefix: u128,
    /// XXH3-64 of the last up to 1 KiB of them.
    pub tail: u64,
}

/// Hash of the last up to 1 KiB of `bytes`.
pub fn tail_hash(bytes: &[u8]) -> u64 {
    let from = bytes.len().saturating_sub(TAIL as usize);
    xxh3_64(&bytes[from..])
}

/// The running hash.
#[derive(Clone)]
pub struct PrefixHash {
    blocks: u128,
    block: Xxh3,
    offset: u64,
}

impl Default for PrefixHash {
    fn default() -> Self {
        Self { blocks: 0, block: Xxh3::new(), offset: 0 }
    }
}

impl PrefixHash {
    /// Takes up the hash at the block border at or before `mark.offset`; feed the bytes from [`Self::offset`] on next.
    pub fn resume(mark: &Mark) -> Self {
        Self { blocks: mark.blocks, block: Xxh3::new(), offset: mark.offset / BLOCK * BLOCK }
    }

    /// How many bytes it covers.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Adds the bytes that follow.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = (BLOCK - self.offset % BLOCK) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block.update(now);
            self.offset += now.len() as u64;
            if self.offset.is_multiple_of(BLOCK) {
                self.blocks = chain(self.blocks, self.block.digest128());
                self.block.reset();
            }
            bytes = later;
        }
    }

    /// The mark here; `tail` is [`tail_hash`] of the bytes before [`Self::offset`].
    pub fn mark(&self, tail: u64) -> Mark {
        let prefix = chain(self.blocks, self.block.digest128());
        Mark { offset: self.offset, blocks: self.blocks, prefix, tail }
    }
}

fn chain(before: u128, block: u128) -> u128 {
    let mut both = [0u8; 32];
    both[..16].copy_from_slice(&before.to_be_bytes());
    both[16..].copy_from_slice(&block.to_be_bytes());
    xxh3_128(&both)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 % 251) as u8).collect()
    }

    fn mark_of(bytes: &[u8]) -> Mark {
        let mut hash = PrefixHash::default();
        hash.update(bytes);
        hash.mark(tail_hash(bytes))
    }

    #[test]
    fn resumed_hash_equals_the_uninterrupted_one() {
        let all = text(300_000);
        for cut in [0, 1, 1023, 65_535, 65_536, 65_537, 131_072, 200_000] {
            let mark = mark_of(&all[..cut]);
            let mut resumed = PrefixHash::resume(&mark);
            resumed.update(&all[resumed.offset() as usize..]);
            assert_eq!(resumed.mark(tail_hash(&all)), mark_of(&all), "cut at {cut}");
        }
    }

    #[test]
    fn pieces_do_not_matter_and_every_byte_does() {
        let all = text(150_000);
        let mut pieces = PrefixHash::default();
        all.chunks(777).for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.mark(tail_hash(&all)), mark_of(&all));
        for at in [0, 65_535, 65_536, 149_999] {
            let mut other = all.clone();
            other[at] ^= 1;
            assert_ne!(mark_of(&other).prefix, mark_of(&all).prefix, "byte {at}");
        }
    }
}
