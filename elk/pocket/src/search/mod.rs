//! `_search`: a request against several indices, from parsing to the answer.

mod cache;

mod fetch;

mod highlight;

mod pieces;

mod request;

mod run;

mod sort;

mod source;

pub use cache::{Asked, Cache};
pub use fetch::Hit;
pub use request::{Request, TrackTotal};
pub use run::{Answer, Means, Target, count, search};
pub use sort::{SortKey, Sorter, Sorting, TopHit};
pub use source::SourceFilter;
