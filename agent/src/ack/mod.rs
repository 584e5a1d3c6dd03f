//! Which byte ranges are settled.
