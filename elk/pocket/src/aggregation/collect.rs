//! Collecting over one segment.
//!
//! Documents go through the tree in blocks. A node gets documents beside the numbers of the buckets they are in, reads
//! its column for the whole block, and hands on documents with the numbers of its own buckets.

mod buckets;

mod keyer;

mod names;

mod values;

mod work;

use self::values::{Values, each_value};
use self::work::{Work, work_of};
use super::cardinality::Cardinality;
use super::digest::Digest;
use super::partial::{Allowance, Bucket, Key, Partial, Stats};
use super::plan::Plan;
use crate::index::Segment;
use crate::query::{Docs, Scope};
use crate::store::ApiError;
use std::collections::HashMap;
use xxhash_rust::xxh3::xxh3_64;

/// What a collection works on.
pub struct Collection<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// Number of the index and of the segment in it, for documents that are fetched later.
    pub place: (u32, u32),
    /// Fields and dates.
    pub scope: Scope<'a>,
    /// Bound on memory.
    pub allowance: Allowance,
}

/// Documents at once.
const BLOCK: usize = 2_048;
/// Blocks between two looks at the memory.
const LOOK: usize = 32;

/// What `plan` finds among `docs`, in the order of its parts.
pub fn collect(plan: &Plan, docs: &Docs, on: &Collection<'_>) -> Result<Vec<Partial>, ApiError> {
    let mut nodes = build(plan, on)?;
    let (mut parents, mut blocks) = (Vec::new(), 0);
    docs.for_each_block(on.segment.max_doc(), BLOCK, |block| {
        parents.resize(block.len(), 0);
        for node in &mut nodes {
            node.take(block, &parents[..block.len()])?;
        }
        blocks += 1;
        if blocks % LOOK == 0 {
            on.allowance.check(nodes.iter().map(Node::size).sum())?;
        }
        Ok::<(), ApiError>(())
    })?;
    on.allowance.check(nodes.iter().map(Node::size).sum())?;
    nodes.into_iter().map(|node| node.finish(1).map(|mut partials| partials.remove(0))).collect()
}

fn build(plan: &Plan, on: &Collection<'_>) -> Result<Vec<Node>, ApiError> {
    plan.parts
        .iter()
        .map(|(name, aggregation, inner)| {
            Ok(Node {
                work: work_of(name, aggregation, on)?,
                inner: build(inner, on)?,
                docs: Vec::new(),
                ords: Vec::new(),
            })
        })
        .collect()
}

struct Node {
    work: Work,
    inner: Vec<Node>,
    /// Scratch: documents and buckets handed on.
    docs: Vec<u32>,
    ords: Vec<u32>,
}

fn grow<T: Default + Clone>(states: &mut Vec<T>, parents: &[u32]) {
    let most = parents.iter().max().map_or(0, |most| *most as usize + 1);
    if states.len() < most {
        states.resize(most, T::default());
    }
}

impl Node {
    fn take(&mut self, docs: &[u32], parents: &[u32]) -> Result<(), ApiError> {
        match &mut self.work {
            Work::Stats { values, states } => {
                grow(states, parents);
                values.each_number(docs, |at, value| states[parents[at] as usize].add(value));
            }
            Work::Digest { values, states } => {
                grow(states, parents);
                values.each_number(docs, |at, value| states[parents[at] as usize].add(value));
            }
            Work::Count { values, states } => {
                grow(states, parents);
                match values {
                    Values::Absent => {}
                    Values::Numbers { column, .. } => {
                        each_value(column, docs, |at, _| states[parents[at] as usize] += 1)
                    }
                    Values::Words { column } => {
                        each_value(column.ords(), docs, |at, _| states[parents[at] as usize] += 1)
                    }
                }
            }
            Work::Cardinality { values, hashes, states } => {
                grow(states, parents);
                match values {
                    Values::Absent => {}
                    Values::Numbers { column, .. } => {
                        each_value(column, docs, |at, value| {
                            states[parents[at] as usize].add(xxh3_64(&value.to_le_bytes()))
                        });
                    }
                    Values::Words { column } => {
                        each_value(column.ords(), docs, |at, ord| {
                            states[parents[at] as usize].add(hashes[ord as usize])
                        });
                    }
                }
            }
            Work::Hits { sorter, size, place, states } => {
                grow(states, parents);
                for (doc, parent) in docs.iter().zip(parents) {
                    sorter.offer(&mut states[*parent as usize], *size, *doc, *place)?;
                }
            }
            Work::Buckets { keyer, buckets } => {
                self.docs.clear();
                self.ords.clear();
                let (handed, ords) = (&mut self.docs, &mut self.ords);
                keyer.each_key(docs, |at, key| {
                    ords.push(buckets.number(parents[at], key));
                    handed.push(docs[at]);
                });
                for inner in &mut self.inner {
                    inner.take(&self.docs, &self.ords)?;
                }
            }
        }
        Ok(())
    }

    fn size(&self) -> usize {
        let own = match &self.work {
            Work::Stats { states, .. } => states.capacity() * size_of::<Stats>(),
            Work::Count { states, .. } => states.capacity() * 8,
            Work::Digest { states, .. } => states.iter().map(|state| 96 + state.size()).sum(),
            Work::Cardinality { states, hashes, .. } => {
                hashes.len() * 8 + states.iter().map(|state| 64 + state.size()).sum::<usize>()
            }
            Work::Hits { states, .. } => states.iter().map(|hits| 24 + hits.len() * 96).sum(),
            Work::Buckets { buckets, .. } => buckets.size(),
        };
        own + self.inner.iter().map(Self::size).sum::<usize>()
    }

    /// A partial for each of `parents` buckets.
    fn finish(self, parents: usize) -> Result<Vec<Partial>, ApiError> {
        let padded = |mut partials: Vec<Partial>, empty: Partial| {
            partials.resize(parents, empty);
            partials
        };
        Ok(match self.work {
            Work::Stats { states, .. } => {
                padded(states.into_iter().map(Partial::Stats).collect(), Partial::Stats(Stats::default()))
            }
            Work::Count { states, .. } => {
                padded(states.into_iter().map(Partial::Count).collect(), Partial::Count(0))
            }
            Work::Digest { states, .. } => {
                padded(states.into_iter().map(Partial::Digest).collect(), Partial::Digest(Digest::default()))
            }
            Work::Cardinality { states, .. } => padded(
                states.into_iter().map(Partial::Cardinality).collect(),
                Partial::Cardinality(Cardinality::default()),
            ),
            Work::Hits { sorter, size, states, .. } => {
                let mut partials = Vec::with_capacity(parents);
                for mut hits in states {
                    sorter.settle(&mut hits, size)?;
                    partials.push(Partial::Hits(hits));
                }
                padded(partials, Partial::Hits(Vec::new()))
            }
            Work::Buckets { keyer, buckets } => {
                let numbers = buckets.keys.len();
                let mut inner: Vec<std::vec::IntoIter<Partial>> = Vec::new();
                for node in self.inner {
                    inner.push(node.finish(numbers)?.into_iter());
                }
                let names = keyer.names(&buckets.keys)?;
                let mut all: Vec<HashMap<Key, Bucket>> = vec![HashMap::new(); parents];
                for (((parent, _), count), name) in buckets.keys.iter().zip(buckets.counts).zip(names) {
                    let inner = inner.iter_mut().filter_map(Iterator::next).collect();
                    if let Some(key) = name {
                        all[*parent as usize].insert(key, Bucket { count, inner });
                    }
                }
                all.into_iter().map(Partial::Buckets).collect()
            }
        })
    }
}
