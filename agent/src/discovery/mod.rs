//! Which files exist.

/// A file.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Found {
    pub path: std::sync::Arc<std::path::Path>,
    pub modified_ns: u64,
    pub device: u64,
    pub inode: u64,
    pub birth_ns: u64,
    pub size: u64,
    pub input: usize,
}
