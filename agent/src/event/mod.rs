//! A line becomes an ECS document in one scan.

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// By its terminator.
    Terminated,
    /// Over the limit.
    Cut {
        /// Bytes.
        original_len: u64,
    },
    /// By time.
    Partial,
}

/// What is remembered of a file.
pub struct FileMemory;

impl FileMemory {
    /// New.
    pub fn new(_path: &std::path::Path) -> Self {
        Self
    }
}
