//! The ledger on disk.
//!
//! - [`model`]: what is remembered of files and streams.
//! - [`format`]: its bytes, and the versions they have had.
//! - [`directory`]: the state directory, its owner, modes and plain files.
//! - [`lock`]: one process a state directory.
//! - [`store`]: two slots, replaced one after the other.
//! - [`journal`]: what has settled since, for outputs that cannot tell a repeat.

pub mod model;

pub mod format;

pub mod directory;

pub mod lock;

pub mod store;

pub mod journal;

pub use directory::{StateDirectory, StateError};
pub use journal::{Journal, Record};
pub use model::{
    Checkpoint, Compression, FileState, FirstLine, Generation, KnownInput, MAX_RANGES, Mark, StreamState,
};
pub use store::{Damage, Loaded, Saved, Store};
