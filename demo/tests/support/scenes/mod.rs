//! Scenes of demo-service, shipped into real engines, and what their boards have to show.
//!
//! - [`theatre`]: services, users, agents and engines as processes.
//! - [`document`], [`archive`]: the log lines, read by the test itself.
//! - [`number`], [`comparison`]: what each panel has to show of them.
//! - [`reader`]: what the panels do show.
//! - [`verdict`]: who did it, by the panels alone.

pub mod archive;
pub mod comparison;
pub mod document;
pub mod number;
pub mod reader;
pub mod theatre;
pub mod verdict;
