//! Which files exist.
//!
//! - [`glob`]: patterns, the directories worth listing for them, and exclusions.
//! - [`scan`]: the truth: lists directories, examines what matches, and says where it could not look.
//! - [`warning`]: what a scan finds odd, each thing told once.
//! - [`watch`]: the hint: which paths to look at before the next scan.
//!
//! A watch overflows, runs out, and is blind on network file systems; a scan finds everything by itself. So hints only make
//! things faster, and nothing is concluded from their absence.

pub mod glob;

pub mod scan;

mod walk;

pub mod warning;

pub mod watch;

pub use glob::{PatternError, Patterns};
pub use scan::{Directory, Found, ScanResult, Scanner, Sight};
pub use warning::Warning;
pub use watch::{Hints, Watch, WatchWarning};
