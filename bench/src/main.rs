//! Peers side by side, torture and judge.
fn main() {}
