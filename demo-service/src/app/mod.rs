//! The services.
