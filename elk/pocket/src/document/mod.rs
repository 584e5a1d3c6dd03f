//! From the JSON of a document to the values its index stores.

mod key;

mod parse;

mod refusal;

mod scalar;

mod values;

pub use key::DocKey;
pub use parse::{Unknown, parse};
pub use refusal::Refusal;
pub use values::{IGNORED, Values, Word};
