//! KQL, Kibana's query language: text → [`Query`] → query DSL.
//!
//! `or` binds weaker than `and`, that weaker than `not`. Understood are `field: value`, `field: "phrase"`, `field: wild*`,
//! `field: *`, `field: (a or b and not c)`, `field >= value`, `path: { … }` for nested fields, and bare values.
//!
//! No field list is needed: an unquoted value becomes a `match`, a quoted one a `match_phrase`, which on keyword, number and
//! boolean fields find what Kibana's `term` finds. Two things differ from a Kibana that knows the mapping: a field *pattern* (`http.*: x`)
//! becomes one `multi_match` instead of a clause per field, and times in comparisons are UTC unless they name an offset.

mod parser;

mod query;

mod dsl;

mod print;

#[cfg(test)]
mod tests;

pub use parser::SyntaxError;
pub use query::{Comparison, Literal, Pattern, Query};
