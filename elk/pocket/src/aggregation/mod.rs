//! Aggregations over columns, in three steps that each stand alone:
//!
//! 1. **plan** ([`parse`]): the request becomes a typed tree, bound to fields.
//! 2. **collect** ([`collect`]): for one segment and the documents that match in it, a [`Partial`] for every aggregation.
//!    A partial depends on the segment, the simplified query and the plan only, so it can be kept for immutable segments.
//! 3. **merge and finish** ([`Partial::merge`], [`finish`]): partials of segments and indices are laid together; only
//!    then buckets are ordered, cut to size, filled up and printed.
//!
//! Nothing is cut before the end: counts and orders are exact. What that costs in memory is counted ([`Allowance`]): all
//! that the threads of a request hold, from the numbers of buckets to the printed answer. A request that would need more
//! is refused like one that trips Elasticsearch's circuit breaker.

mod allowance;

mod cardinality;

mod collect;

mod digest;

mod finish;

mod keep;

mod number;

mod partial;

mod plan;

mod rounding;

pub(crate) use allowance::vec_bytes;
pub use allowance::{Allowance, Share};
pub use cardinality::Cardinality;
pub use collect::{Collection, collect};
pub use digest::Digest;
pub use finish::{Show, finish};
pub use partial::{Bucket, Key, Partial, Stats};
pub use plan::{Aggregation, Filter, Interval, Order, Plan, Shown, TopHits, parse};
pub use rounding::Rounding;
