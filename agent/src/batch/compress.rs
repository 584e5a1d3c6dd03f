//! Whole buffers to gzip and back.

use super::Body;
use super::deflate::Deflater;
use bytes::Bytes;
use std::fmt;

/// Makes request bodies: gzip of a level, or plain.
#[derive(Debug)]
pub struct Compressor {
    algorithm: Algorithm,
    /// What the algorithm writes into, kept from body to body.
    output: Vec<u8>,
}

enum Algorithm {
    Plain,
    Fast(Box<Deflater>),
    Small(libdeflater::Compressor),
}

impl Compressor {
    /// `level` 0 leaves bodies plain, 1 (fast) to 9 (small) compress; higher ones count as 9.
    pub fn new(level: u8) -> Self {
        let algorithm = match level {
            0 => Algorithm::Plain,
            1 => Algorithm::Fast(Box::default()),
            _ => {
                let level =
                    libdeflater::CompressionLvl::new(i32::from(level.min(9))).expect("2 to 9 are levels");
                Algorithm::Small(libdeflater::Compressor::new(level))
            }
        };
        Self { algorithm, output: Vec::new() }
    }

    /// The body as it goes over the wire, in an allocation of its size.
    pub fn body(&mut self, raw: &[u8]) -> Body {
        match &mut self.algorithm {
            Algorithm::Plain => return Body::Plain(Bytes::copy_from_slice(raw)),
            Algorithm::Fast(deflater) => deflater.gzip(raw, &mut self.output),
            Algorithm::Small(gzip) => {
                // Zero pages until written to, so their cost is the compressed size, not the bound.
                self.output = vec![0; gzip.gzip_compress_bound(raw.len())];
                let len =
                    gzip.gzip_compress(raw, &mut self.output).expect("the output has the size of the bound");
                self.output.truncate(len);
            }
        }
        let body = Bytes::copy_from_slice(&self.output);
        self.output.shrink_to(KEPT_BYTES);
        Body::Gzip(body)
    }
}

/// Most memory the output keeps from one body to the next.
const KEPT_BYTES: usize = 1 << 20;

impl fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Fast(_) => "Fast",
            Self::Small(_) => "Small",
        })
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
