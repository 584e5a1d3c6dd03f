//! What a node of the tree does with its documents, and what it has found so far.

use super::Collection;
use super::buckets::Buckets;
use super::keyer::{Keyer, terms_keyer};
use super::values::{Values, hashes_of, numbers_of, values_of};
use crate::aggregation::allowance::vec_bytes;
use crate::aggregation::cardinality::Cardinality;
use crate::aggregation::digest::Digest;
use crate::aggregation::keep::Keep;
use crate::aggregation::partial::{Stats, hits_heap};
use crate::aggregation::plan::Aggregation;
use crate::aggregation::rounding::Table;
use crate::mapping::Kind;
use crate::query::{Docs, bind, evaluate_in, simplify};
use crate::search::{Sorter, TopHit};
use crate::store::ApiError;
use tantivy::columnar::Column;

pub(super) enum Work {
    Stats { values: Values, states: Vec<Stats> },
    Count { values: Values, states: Vec<u64> },
    Digest { values: Values, states: Vec<Digest> },
    Cardinality { values: Values, hashes: Vec<u64>, states: Vec<Cardinality> },
    Hits { sorter: Sorter, size: usize, place: (u32, u32), states: Vec<Vec<TopHit>> },
    Buckets { keyer: Keyer, buckets: Buckets },
}

impl Work {
    /// How many states [`Self::heap`] looks at.
    pub(super) fn states(&self) -> usize {
        match self {
            Self::Digest { states, .. } => states.len(),
            Self::Cardinality { states, .. } => states.len(),
            Self::Hits { states, .. } => states.iter().map(|hits| 1 + hits.len()).sum(),
            Self::Stats { .. } | Self::Count { .. } | Self::Buckets { .. } => 0,
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        match self {
            Self::Stats { states, .. } => vec_bytes::<Stats>(states.capacity()),
            Self::Count { states, .. } => vec_bytes::<u64>(states.capacity()),
            Self::Digest { states, .. } => {
                vec_bytes::<Digest>(states.capacity()) + states.iter().map(Digest::size).sum::<usize>()
            }
            Self::Cardinality { states, hashes, .. } => {
                vec_bytes::<u64>(hashes.capacity())
                    + vec_bytes::<Cardinality>(states.capacity())
                    + states.iter().map(Cardinality::size).sum::<usize>()
            }
            Self::Hits { states, .. } => {
                vec_bytes::<Vec<TopHit>>(states.capacity()) + states.iter().map(hits_heap).sum::<usize>()
            }
            Self::Buckets { keyer, buckets } => keyer.size() + buckets.size(),
        }
    }
}

pub(super) fn work_of(name: &str, aggregation: &Aggregation, on: &Collection<'_>) -> Result<Work, ApiError> {
    let buckets = |keyer: Keyer| {
        let width = keyer.width();
        Work::Buckets { keyer, buckets: Buckets::new(width) }
    };
    Ok(match aggregation {
        Aggregation::Stats { field, missing, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            let values = match column {
                Some(column) => Values::Numbers { column, kind, missing: *missing },
                None if missing.is_some() => Values::Numbers {
                    column: Column::build_empty_column(on.segment.max_doc()),
                    kind,
                    missing: *missing,
                },
                None => Values::Absent,
            };
            Work::Stats { values, states: Vec::new() }
        }
        Aggregation::ValueCount(field) => Work::Count { values: values_of(field, on)?, states: Vec::new() },
        Aggregation::Percentiles { field, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            let values =
                column.map_or(Values::Absent, |column| Values::Numbers { column, kind, missing: None });
            Work::Digest { values, states: Vec::new() }
        }
        Aggregation::Cardinality(field) => {
            let values = values_of(field, on)?;
            let hashes = hashes_of(&values)?;
            Work::Cardinality { values, hashes, states: Vec::new() }
        }
        Aggregation::TopHits(top) => {
            let sorter = Sorter::of(top.request.get("sort"), &on.scope)?.on(on.segment)?;
            Work::Hits { sorter, size: top.size, place: on.place, states: Vec::new() }
        }
        Aggregation::Terms { field, missing, include, exclude, .. } => {
            buckets(terms_keyer(field, missing.as_ref(), Keep::new(include, exclude)?, on)?)
        }
        Aggregation::DateHistogram { field, rounding, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            let per_milli = match kind {
                Kind::Date { unit, .. } => 1_000_000 / unit,
                _ => 1,
            };
            let (min, max) =
                column.as_ref().map_or((0, 0), |column| (column.min_value(), column.max_value()));
            let table = Table::new(rounding, min.div_euclid(per_milli), max.div_euclid(per_milli));
            buckets(Keyer::Dates { column, per_milli, table })
        }
        Aggregation::Histogram { field, interval, offset, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            buckets(Keyer::Histogram { column, kind, interval: *interval, offset: *offset })
        }
        Aggregation::Range { field, ranges, .. } => {
            let (column, kind) = numbers_of(field, on, name)?;
            let ranges = ranges
                .iter()
                .map(|(_, from, to)| (from.unwrap_or(f64::NEG_INFINITY), to.unwrap_or(f64::INFINITY)));
            buckets(Keyer::Ranges { column, kind, ranges: ranges.collect() })
        }
        Aggregation::Filters { filters, .. } => {
            let docs = filters.iter().map(|(_, query)| matching(query, on)).collect::<Result<_, _>>()?;
            buckets(Keyer::Filters(docs))
        }
        Aggregation::Filter(query) => buckets(Keyer::Filters(vec![matching(query, on)?])),
    })
}

pub(super) fn matching(query: &crate::query::Query, on: &Collection<'_>) -> Result<Docs, ApiError> {
    let bound = simplify(&bind(query, &on.scope)?, on.segment)?;
    Ok(evaluate_in(&bound, on.segment, on.within.clone())?)
}
