//! Bytes become lines.

mod framer;

mod container;

pub use container::{Container, GROUP_BYTES, Stream, Wrapping, frame_groups};
pub use framer::{Flow, Piece, frame, is_blank, without_carriage_return};
