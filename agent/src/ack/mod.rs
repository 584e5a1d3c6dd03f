//! Which byte ranges are settled, and what became of every event.
//!
//! - [`ledger`]: per file generation, the settled ranges and the offset up to which there is no gap.
//! - [`accounts`]: the counters of the whole agent and their balance.
//! - [`dead_letters`]: the events the server refuses for good, on disk before they settle.

pub mod ledger;

pub mod accounts;

pub mod dead_letters;

pub use accounts::{Accounts, Counts, Loss, Outcome};
pub use ledger::Ledger;
