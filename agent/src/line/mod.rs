//! Bytes become lines.

mod framer;

pub use framer::{Flow, Piece, frame, is_blank, without_carriage_return};
