//! The boards, described.
