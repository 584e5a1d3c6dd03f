//! Byte ranges of files, the one meaning of "where" from the reader to the checkpoint.

/// One generation of one tailed file, as a number that is unique within this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileKey(pub u32);

/// A half-open byte range of a file as it lies on disk (of the decompressed text for gz and zst).
///
/// The line's terminator is inside its span, so neighbouring lines have touching spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file generation the bytes belong to.
    pub file: FileKey,
    /// Offset of the first byte.
    pub start: u64,
    /// Offset behind the last byte, terminator included.
    pub end: u64,
}
