//! What the operator writes, and what it means.

mod meant;

pub use meant::*;
