//! Bits into bytes, the lowest first.

/// Appends bits to a buffer.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, held: 0, count: 0 }
    }

    /// Adds the `count` low bits of `bits`; the others are 0. Between two [`Self::flush`] at most 56.
    #[inline]
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        debug_assert!(self.count + count < 64 && u64::from(bits) >> count == 0);
        self.held |= u64::from(bits) << self.count;
        self.count += count;
    }

    /// Writes all whole bytes.
    #[inline]
    pub(super) fn flush(&mut self) {
        let whole = self.count / 8;
        // Eight bytes and back again: one store of a fixed length.
        self.out.extend_from_slice(&self.held.to_le_bytes());
        self.out.truncate(self.out.len() - 8 + whole as usize);
        self.held >>= 8 * whole;
        self.count %= 8;
    }

    /// Fills the last byte with zeros.
    pub(super) fn end(mut self) {
        self.count = self.count.next_multiple_of(8);
        self.flush();
    }
}
