//! One tailed file: its identity, what a rotation did to it, its next bytes.

pub mod span;

pub mod identity;

pub mod prefix;

pub mod source;

pub use identity::{Lineage, LineageParts};
pub use prefix::{Mark, PrefixHash};
pub use source::{Compression, FirstLine, Physical, Source};
pub use span::{FileKey, Span};

pub mod tailed;

pub mod handles;

pub mod reader;

pub mod table;
