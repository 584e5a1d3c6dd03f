//! Bytes become lines.

mod framer;

mod container;

mod message;

mod block;

mod group;

mod trace;

mod events;

pub use block::Blocks;
pub use container::{Container, Stream, Wrapping};
pub use events::{Framed, frame_events};
pub use framer::{Flow, Piece, frame, is_blank, without_carriage_return};
pub(crate) use group::GROUP_BYTES;

pub use group::Framing;
pub use message::{
    Message, decode as decode_message, encode as encode_message, encode_cut as encode_cut_message,
    encoded_len as encoded_message_len,
};
pub use trace::{Anatomy, ConsoleEntry, Ending, anatomy};
