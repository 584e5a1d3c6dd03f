//! Bytes become lines.

mod framer;

mod container;

mod block;

mod group;

pub use block::Blocks;
pub use container::{Container, Stream, Wrapping};
pub use framer::{Flow, Piece, frame, is_blank, without_carriage_return};
pub use group::{Framing, frame_groups};
