//! Queries: read from Elasticsearch's query DSL ([`Query`]), bound to the fields of an index ([`Bound`]), and evaluated
//! segment by segment to sets of documents ([`Docs`]).
//!
//! A bound query is simplified for every segment first: a range that covers all values of the segment is "all", one
//! beside them "none". So a query with a moving time range is the *same* query for most segments, and what was computed
//! for it can be kept with them.

mod address;

mod bind;

mod docs;

mod dsl;

mod evaluate;

mod limits;

mod lucene;

pub use bind::{Bound, KeywordTest, Scope, bind};
pub(crate) use bind::{ignored_field, text_of};
pub use docs::Docs;
pub(crate) use dsl::DEFAULT_FIELDS;
pub use dsl::{Query, Range, parse};
pub use evaluate::{evaluate, evaluate_in, simplify};
