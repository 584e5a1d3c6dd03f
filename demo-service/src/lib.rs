//! Three apps under three loads, with logs worth watching.
//!
//! - [`app`]: the services.
//! - [`log`]: what they write.
//! - [`load`]: the load generator.
//! - [`scene`]: services and load that tell a story.

pub mod app;

pub mod log;

pub mod load;

pub mod scene;
