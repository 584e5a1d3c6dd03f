//! From the JSON of a document to the values its index stores.

mod key;

mod parse;

mod values;

pub use key::DocKey;
pub use parse::{Refusal, Unknown, parse};
pub use values::{IGNORED, Values, Word};
