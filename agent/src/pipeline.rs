//! The only place where stages are joined.
