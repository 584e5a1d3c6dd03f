//! The write-ahead log: everything answered is in here before it is answered.
//!
//! # Layout
//!
//! `log/<position>.log`, where the name is the position (16 hex digits) of the file's first byte in the endless log.
//! A file is a row of frames: length (u32), CRC-32 of the body (u32), body; all little-endian. A body is one request's
//! share of one index: [`Entry`].
//!
//! # When what is written
//!
//! One thread appends. It takes all frames that wait, writes them with one `write` and one `fdatasync`, and only then
//! reports them durable: requests that come together share a sync. A file that reaches 64 MiB is closed and the next one
//! begun (its name synced in the folder). Files whose frames all indices have committed are removed.
//!
//! # What it survives
//!
//! A stop at any moment: a frame cut at the end of the *last* file was never answered and is cut off. A damaged frame
//! anywhere else means the disk lost what it had confirmed: the file is kept in `quarantine/`, what follows the damage in
//! this file is given up, later files are read, and the loss is reported. A failed write or sync (full disk) gives the
//! error to every request that waited, cuts the file back and goes on with the next request; if it cannot be cut back, a
//! new file is begun.
//!
//! *Assumed of the disk*: `fdatasync` keeps its word, and a torn write changes only the bytes it was to write.

mod entry;

mod files;

mod writer;

pub use entry::{Entry, Operation, Record};
pub use files::{Damage, Replay, read, release, replay};
pub use writer::{Failure, Log, Ticket};
