//! A server that stores for real and misbehaves by plan.
//!
//! It keeps the rules that decide whether a line is lost or doubled: `create` refuses an id its backing index has,
//! ids are unique per backing index only, a data stream rolls over. Everything stored goes to a journal before the
//! answer leaves; every bulk request leaves a [`Visit`] that says when it was under way and what was done to it.

mod plan;
mod server;
mod store;
mod traffic;

pub use plan::{Fault, Plan, Step};
pub use server::{FaultServer, Options};
pub use store::{Document, Keep, Store};
pub use traffic::{Traffic, Visit};
