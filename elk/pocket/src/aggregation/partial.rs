//! What one segment contributes, and how contributions are laid together.

use super::allowance::{HEAP, table_bytes, vec_bytes};
use super::cardinality::Cardinality;
use super::digest::Digest;
use super::plan::{Aggregation, Plan};
use crate::search::TopHit;
use std::collections::HashMap;
use std::sync::Arc;

/// A bucket's key, comparable over segments and indices.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Whole numbers, dates in milliseconds, booleans, numbers of ranges and filters.
    Whole(i64),
    /// Fractions, as bits that sort as they do.
    Real(i64),
    /// Keywords; a text that is in many buckets of a segment is there once.
    Text(Arc<str>),
}

/// A bucket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bucket {
    /// Documents in it.
    pub count: u64,
    /// What the aggregations inside found, in the order of the plan.
    pub inner: Vec<Partial>,
}

/// Count, sum, least and greatest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stats {
    /// Values.
    pub count: u64,
    sum: f64,
    /// What adding up has lost so far (Kahan): Elasticsearch adds the same way, and sums are to be equal.
    lost: f64,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
}

impl Default for Stats {
    fn default() -> Self {
        Self { count: 0, sum: 0.0, lost: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Stats {
    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.add_to_sum(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    fn add_to_sum(&mut self, value: f64) {
        let corrected = value + self.lost;
        let sum = self.sum + corrected;
        self.lost = corrected - (sum - self.sum);
        self.sum = sum;
    }

    /// The sum.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.add_to_sum(other.sum);
        self.lost += other.lost;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

/// What an aggregation found so far.
#[derive(Debug, Clone, PartialEq)]
pub enum Partial {
    /// Buckets by key.
    Buckets(HashMap<Key, Bucket>),
    /// Numbers.
    Stats(Stats),
    /// A count.
    Count(u64),
    /// Percentiles.
    Digest(Digest),
    /// Different values.
    Cardinality(Cardinality),
    /// Documents, best first.
    Hits(Vec<TopHit>),
}

impl Partial {
    /// What is found among no documents.
    pub fn empty(aggregation: &Aggregation) -> Self {
        match aggregation {
            Aggregation::Stats { .. } => Self::Stats(Stats::default()),
            Aggregation::ValueCount(_) => Self::Count(0),
            Aggregation::Percentiles { .. } => Self::Digest(Digest::default()),
            Aggregation::Cardinality(_) => Self::Cardinality(Cardinality::default()),
            Aggregation::TopHits(_) => Self::Hits(Vec::new()),
            _ => Self::Buckets(HashMap::new()),
        }
    }

    /// Adds what another segment found.
    pub fn merge(&mut self, other: Self, plan: &Plan, aggregation: &Aggregation) {
        match (self, other) {
            (Self::Buckets(buckets), Self::Buckets(others)) if buckets.is_empty() => *buckets = others,
            (Self::Buckets(buckets), Self::Buckets(others)) => {
                for (key, other) in others {
                    match buckets.entry(key) {
                        std::collections::hash_map::Entry::Vacant(slot) => drop(slot.insert(other)),
                        std::collections::hash_map::Entry::Occupied(mut slot) => {
                            slot.get_mut().merge(other, plan)
                        }
                    }
                }
            }
            (Self::Stats(stats), Self::Stats(other)) => stats.merge(&other),
            (Self::Count(count), Self::Count(other)) => *count += other,
            (Self::Digest(digest), Self::Digest(other)) => digest.merge(other),
            (Self::Cardinality(set), Self::Cardinality(other)) => set.merge(other),
            (Self::Hits(hits), Self::Hits(others)) => {
                hits.extend(others);
                hits.sort();
                if let Aggregation::TopHits(top) = aggregation {
                    hits.truncate(top.size);
                }
            }
            (_, _) => debug_assert!(false, "partials of two aggregations cannot be merged"),
        }
    }

    /// Names the index and the segment of its documents, which every request counts anew.
    pub fn put_at(&mut self, place: (u32, u32)) {
        match self {
            Self::Hits(hits) => hits.iter_mut().for_each(|hit| hit.place = place),
            Self::Buckets(buckets) => {
                let inner = buckets.values_mut().flat_map(|bucket| &mut bucket.inner);
                inner.for_each(|partial| partial.put_at(place));
            }
            _ => {}
        }
    }

    /// Bytes held, what lies on the heap included.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.heap()
    }

    fn heap(&self) -> usize {
        match self {
            Self::Buckets(buckets) => {
                let inside = buckets.iter().map(|(key, bucket)| key.heap() + bucket.heap());
                table_of_buckets(buckets.capacity()) + inside.sum::<usize>()
            }
            Self::Stats(_) | Self::Count(_) => 0,
            Self::Digest(digest) => digest.size(),
            Self::Cardinality(set) => set.size(),
            Self::Hits(hits) => hits_heap(hits),
        }
    }
}

/// Bytes on the heap of a table for that many buckets.
pub(super) fn table_of_buckets(capacity: usize) -> usize {
    table_bytes(capacity, size_of::<(Key, Bucket)>())
}

/// Bytes on the heap of a list of hits.
pub(super) fn hits_heap(hits: &Vec<TopHit>) -> usize {
    vec_bytes::<TopHit>(hits.capacity()) + hits.iter().map(TopHit::heap).sum::<usize>()
}

impl Key {
    /// Bytes on the heap: the text beside its two counts.
    fn heap(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + 2 * HEAP,
            _ => 0,
        }
    }
}

impl Bucket {
    fn merge(&mut self, other: Self, plan: &Plan) {
        self.count += other.count;
        for ((mine, theirs), (_, aggregation, inner)) in
            self.inner.iter_mut().zip(other.inner).zip(&plan.parts)
        {
            mine.merge(theirs, inner, aggregation);
        }
    }

    fn heap(&self) -> usize {
        vec_bytes::<Partial>(self.inner.capacity()) + self.inner.iter().map(Partial::heap).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_lose_nothing_small() {
        let mut stats = Stats::default();
        stats.add(1e16);
        (0..1_000).for_each(|_| stats.add(1.0));
        assert_eq!(stats.sum(), 1e16 + 1_000.0);
        let mut other = Stats::default();
        other.add(0.5);
        other.merge(&stats);
        assert_eq!((other.count, other.min, other.max), (1_002, 0.5, 1e16));
    }
}
