//! Whole buffers to gzip or zlib and back.

use super::deflate::Deflater;
use super::{Body, Form};
use bytes::Bytes;
use std::fmt;

/// Makes request bodies: compressed at a level, or plain.
#[derive(Debug)]
pub struct Compressor {
    algorithm: Algorithm,
    wrap: Wrap,
    /// What the algorithm writes into, kept from body to body.
    output: Vec<u8>,
}

/// What stands around the compressed text.
#[derive(Debug, Clone, Copy)]
enum Wrap {
    Gzip,
    Zlib,
}

enum Algorithm {
    Plain,
    Fast(Box<Deflater>),
    Small(libdeflater::Compressor),
}

impl Compressor {
    /// The compressor for bodies of this form: zlib for Lumberjack, else gzip. Levels as in [`Self::new`].
    pub fn of_form(form: Form, level: u8) -> Self {
        let wrap = match form {
            Form::Lumberjack => Wrap::Zlib,
            Form::Bulk | Form::Documents | Form::Array => Wrap::Gzip,
        };
        Self { wrap, ..Self::new(level) }
    }

    /// gzip. `level` 0 leaves bodies plain, 1 (fast) to 9 (small) compress; higher ones count as 9.
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
        Self { algorithm, wrap: Wrap::Gzip, output: Vec::new() }
    }

    /// The body as it goes over the wire, in an allocation of its size.
    pub fn body(&mut self, raw: &[u8]) -> Body {
        let output = &mut self.output;
        match (&mut self.algorithm, self.wrap) {
            (Algorithm::Plain, _) => return Body::Plain(Bytes::copy_from_slice(raw)),
            (Algorithm::Fast(deflater), Wrap::Gzip) => deflater.gzip(raw, output),
            (Algorithm::Fast(deflater), Wrap::Zlib) => deflater.zlib(raw, output),
            (Algorithm::Small(small), wrap) => small_body(small, wrap, raw, output),
        }
        let body = Bytes::copy_from_slice(output);
        output.shrink_to(KEPT_BYTES);
        match self.wrap {
            Wrap::Gzip => Body::Gzip(body),
            Wrap::Zlib => Body::Zlib(body),
        }
    }
}

fn small_body(small: &mut libdeflater::Compressor, wrap: Wrap, raw: &[u8], output: &mut Vec<u8>) {
    let bound = match wrap {
        Wrap::Gzip => small.gzip_compress_bound(raw.len()),
        Wrap::Zlib => small.zlib_compress_bound(raw.len()),
    };
    // Zero pages until written to, so their cost is the compressed size, not the bound.
    *output = vec![0; bound];
    let len = match wrap {
        Wrap::Gzip => small.gzip_compress(raw, output),
        Wrap::Zlib => small.zlib_compress(raw, output),
    };
    output.truncate(len.expect("the output has the size of the bound"));
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
    let mut raw = vec![0; raw_len as usize];
    let mut decompressor = libdeflater::Decompressor::new();
    let len = match body {
        Body::Plain(text) => return text.clone(),
        Body::Gzip(packed) => decompressor.gzip_decompress(packed, &mut raw),
        Body::Zlib(packed) => decompressor.zlib_decompress(packed, &mut raw),
    };
    debug_assert_eq!(len.expect("the body was compressed by this process"), raw.len());
    raw.into()
}
