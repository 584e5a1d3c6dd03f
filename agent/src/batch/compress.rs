//! Whole buffers to gzip and back.

use super::Body;
use bytes::Bytes;
use std::fmt;

/// Makes request bodies: gzip of a level, or plain.
pub struct Compressor {
    gzip: Option<libdeflater::Compressor>,
    /// Zero pages until written to, so its cost is the compressed size, not the bound.
    output: Vec<u8>,
}

impl Compressor {
    /// `level` 0 leaves bodies plain, 1 (fast) to 9 (small) compress; higher ones count as 9.
    pub fn new(level: u8) -> Self {
        let gzip = (level > 0).then(|| {
            let level = libdeflater::CompressionLvl::new(i32::from(level.min(9))).expect("1 to 9 are levels");
            libdeflater::Compressor::new(level)
        });
        Self { gzip, output: Vec::new() }
    }

    /// The body as it goes over the wire, in an allocation of its size.
    pub fn body(&mut self, raw: &[u8]) -> Body {
        let Some(gzip) = &mut self.gzip else { return Body::Plain(Bytes::copy_from_slice(raw)) };
        let bound = gzip.gzip_compress_bound(raw.len());
        if self.output.len() < bound || self.output.len() / 4 > bound.max(1 << 20) {
            self.output = Vec::new();
            self.output = vec![0; bound];
        }
        let len = gzip.gzip_compress(raw, &mut self.output).expect("the output has the size of the bound");
        Body::Gzip(Bytes::copy_from_slice(&self.output[..len]))
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("gzip", &self.gzip.is_some()).finish_non_exhaustive()
    }
}

/// The text of a body this process made, `raw_len` bytes long.
pub(super) fn inflate(body: &Body, raw_len: u32) -> Bytes {
    let compressed = match body {
        Body::Plain(text) => return text.clone(),
        Body::Gzip(compressed) => compressed,
    };
    let mut raw = vec![0; raw_len as usize];
    let len = libdeflater::Decompressor::new()
        .gzip_decompress(compressed, &mut raw)
        .expect("the body was compressed by this process");
    debug_assert_eq!(len, raw.len());
    raw.into()
}
