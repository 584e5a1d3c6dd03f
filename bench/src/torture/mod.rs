//! The agent between a rotating writer and a faulty server, killed at random moments; then the judge.
//!
//! A run proves something only if the kills hit: [`Report::passed`] asks that most of them fell while a request was
//! under way, and that the server refused repeats, which is what a kill between storing and checkpoint leads to.

mod copytruncate;
mod kills;
mod load;
mod report;
mod site;

pub use copytruncate::CopyTruncate;
pub use kills::Kills;
pub use report::Report;
