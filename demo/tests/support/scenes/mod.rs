//! Scenes of demo-service, shipped into real engines and Pocket ELK, and what their boards have to show.
//!
//! - [`theatre`]: services, users and agents as processes; [`store`]: where the lines go.
//! - [`document`], [`archive`]: the log lines, read by the test itself.
//! - [`number`], [`comparison`]: what each panel has to show of them.
//! - [`reader`]: what the panels do show.
//! - [`verdict`]: who did it, by the panels alone.

pub mod archive;
pub mod comparison;
pub mod document;
pub mod number;
pub mod reader;
pub mod store;
pub mod theatre;
pub mod verdict;
