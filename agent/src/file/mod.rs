//! One tailed file: its identity, what a rotation did to it, its next bytes.

pub mod span;

pub mod identity;

pub use identity::{Lineage, LineageParts};
pub use span::{FileKey, Span};
