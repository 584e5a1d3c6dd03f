//! One file a command: its arguments and how it is run.

mod generate;
mod judge;
mod peers;
mod serve;
mod store;
mod torture;

pub(crate) use generate::Generate;
pub(crate) use judge::Judge;
pub(crate) use peers::Peers;
pub(crate) use serve::{BeatsSink, FaultServer, Sink};
pub(crate) use store::Store;
pub(crate) use torture::Torture;
