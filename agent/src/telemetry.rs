
//! The agent's own log.

mod escape;

pub use escape::{escaped, is_dangerous, push_escaped};
