//! Collecting over one segment.
//!
//! Documents go through the tree in blocks. A node gets documents beside the numbers of the buckets they are in, reads
//! its column for the whole block, and hands on documents with the numbers of its own buckets.

mod buckets;

mod keyer;

mod names;

mod values;

mod work;

use self::buckets::Buckets;
use self::keyer::Keyer;
use self::values::{Values, each_value};
use self::work::{Work, work_of};
use super::allowance::{Share, vec_bytes};
use super::cardinality::Cardinality;
use super::digest::Digest;
use super::partial::{Bucket, Key, Partial, Stats, table_of_buckets};
use super::plan::Plan;
use crate::index::Segment;
use crate::query::{Docs, Scope};
use crate::store::ApiError;
use std::collections::HashMap;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// What a collection works on.
pub struct Collection<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// No documents but these are asked for.
    pub within: Range<u32>,
    /// Number of the index and of the segment in it, for documents that are fetched later.
    pub place: (u32, u32),
    /// Fields and dates.
    pub scope: Scope<'a>,
}

/// Documents at once.
const BLOCK: usize = 2_048;

/// What `plan` finds among `docs`, in the order of its parts; `share` holds it.
pub fn collect(
    plan: &Plan,
    docs: &Docs,
    on: &Collection<'_>,
    share: &mut Share<'_>,
) -> Result<Vec<Partial>, ApiError> {
    let mut work = share.beside();
    let mut nodes = build(plan, on, &mut work)?;
    let mut parents = Vec::new();
    docs.for_each_block(on.segment.max_doc(), BLOCK, |block| {
        parents.resize(block.len(), 0);
        nodes.iter_mut().try_for_each(|node| node.take(block, &parents[..block.len()], &mut work))
    })?;
    let mut found = Vec::with_capacity(nodes.len());
    for node in nodes {
        found.extend(node.finish(1, &mut work)?);
    }
    drop(work);
    share.grow(found.iter().map(Partial::size).sum())?;
    Ok(found)
}

fn build(plan: &Plan, on: &Collection<'_>, share: &mut Share<'_>) -> Result<Vec<Node>, ApiError> {
    let mut nodes = Vec::with_capacity(plan.parts.len());
    for (name, aggregation, inner) in &plan.parts {
        let mut node = Node {
            work: work_of(name, aggregation, on)?,
            inner: Vec::new(),
            docs: Vec::new(),
            ords: Vec::new(),
            counted: 0,
            taken: 0,
            measure_at: 0,
        };
        node.measure(share)?;
        node.inner = build(inner, on, share)?;
        nodes.push(node);
    }
    Ok(nodes)
}

struct Node {
    work: Work,
    inner: Vec<Node>,
    /// Scratch: documents and buckets handed on.
    docs: Vec<u32>,
    ords: Vec<u32>,
    /// Bytes that are counted.
    counted: usize,
    /// Documents taken so far, and how many there are when it is measured again.
    taken: usize,
    measure_at: usize,
}

fn grow<T: Default + Clone>(states: &mut Vec<T>, parents: &[u32]) {
    let most = parents.iter().max().map_or(0, |most| *most as usize + 1);
    if states.len() < most {
        states.resize(most, T::default());
    }
}

impl Node {
    fn take(&mut self, docs: &[u32], parents: &[u32], share: &mut Share<'_>) -> Result<(), ApiError> {
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
                let mut handing = Handing {
                    docs: &mut self.docs,
                    ords: &mut self.ords,
                    inner: &mut self.inner,
                    counted: &mut self.counted,
                    before: keyer.size(),
                    outcome: Ok(()),
                };
                keyer.each_key(docs, |at, key| {
                    if handing.outcome.is_ok() {
                        handing.push(docs[at], buckets.number(parents[at], key));
                    }
                    if handing.docs.len() >= BLOCK {
                        handing.hand_on(buckets.size(), share);
                    }
                });
                handing.hand_on(buckets.size(), share);
                handing.outcome?;
            }
        }
        self.taken += docs.len();
        if self.taken < self.measure_at { Ok(()) } else { self.measure(share) }
    }

    /// Counts what it holds without what is inside. That costs a look at every state, so it is done once for a quarter as
    /// many documents as there are states: in between it grows by a part of itself only.
    fn measure(&mut self, share: &mut Share<'_>) -> Result<(), ApiError> {
        let size = self.size();
        let grown = size.saturating_sub(self.counted);
        self.counted += grown;
        self.measure_at = self.taken + self.work.states() / 4;
        share.grow(grown)
    }

    fn size(&self) -> usize {
        let scratch = vec_bytes::<u32>(self.docs.capacity()) + vec_bytes::<u32>(self.ords.capacity());
        size_of::<Self>() + scratch + self.work.heap()
    }

    /// A partial for each of `parents` buckets. What they take beside what was counted is counted before it is made.
    fn finish(self, parents: usize, share: &mut Share<'_>) -> Result<Vec<Partial>, ApiError> {
        share.grow(vec_bytes::<Partial>(parents))?;
        let mut partials = Vec::with_capacity(parents);
        let empty = match self.work {
            Work::Stats { states, .. } => {
                partials.extend(states.into_iter().map(Partial::Stats));
                Partial::Stats(Stats::default())
            }
            Work::Count { states, .. } => {
                partials.extend(states.into_iter().map(Partial::Count));
                Partial::Count(0)
            }
            Work::Digest { states, .. } => {
                partials.extend(states.into_iter().map(|state| Partial::Digest(state.compact())));
                Partial::Digest(Digest::default())
            }
            Work::Cardinality { states, .. } => {
                partials.extend(states.into_iter().map(Partial::Cardinality));
                Partial::Cardinality(Cardinality::default())
            }
            Work::Hits { sorter, size, states, .. } => {
                for mut hits in states {
                    sorter.settle(&mut hits, size, share)?;
                    partials.push(Partial::Hits(hits));
                }
                Partial::Hits(Vec::new())
            }
            Work::Buckets { keyer, buckets } => {
                finish_buckets(&keyer, buckets, self.inner, parents, share, &mut partials)?;
                Partial::Buckets(HashMap::new())
            }
        };
        partials.resize(parents, empty);
        Ok(partials)
    }
}

/// Documents on their way to what is inside of buckets, handed on in blocks however many values a document has.
struct Handing<'n> {
    docs: &'n mut Vec<u32>,
    ords: &'n mut Vec<u32>,
    inner: &'n mut [Node],
    counted: &'n mut usize,
    /// Bytes of the node without its buckets.
    before: usize,
    outcome: Result<(), ApiError>,
}

impl Handing<'_> {
    #[inline]
    fn push(&mut self, doc: u32, ord: u32) {
        self.docs.push(doc);
        self.ords.push(ord);
    }

    /// Hands on what there is, unless it failed before, and counts what the buckets have grown to.
    fn hand_on(&mut self, buckets: usize, share: &mut Share<'_>) {
        if self.outcome.is_ok() {
            let grown = (self.before + buckets).saturating_sub(*self.counted);
            *self.counted += grown;
            let mut inner = self.inner.iter_mut();
            let (docs, ords) = (&*self.docs, &*self.ords);
            self.outcome =
                share.grow(grown).and_then(|()| inner.try_for_each(|inner| inner.take(docs, ords, share)));
        }
        self.docs.clear();
        self.ords.clear();
    }
}

/// Pushes the buckets of each of `parents` buckets, with what is inside, as one partial.
fn finish_buckets(
    keyer: &Keyer,
    buckets: Buckets,
    inside: Vec<Node>,
    parents: usize,
    share: &mut Share<'_>,
    partials: &mut Vec<Partial>,
) -> Result<(), ApiError> {
    let numbers = buckets.keys.len();
    let width = inside.len();
    let mut inner: Vec<std::vec::IntoIter<Partial>> = Vec::with_capacity(width);
    for node in inside {
        inner.push(node.finish(numbers, share)?.into_iter());
    }
    let names = keyer.names(&buckets.keys, parents > 1, share)?;
    let mut children = vec![0u32; parents];
    buckets.keys.iter().for_each(|(parent, _)| children[*parent as usize] += 1);
    let tables = children.iter().map(|count| table_of_buckets(*count as usize)).sum::<usize>();
    let own = parents * (size_of::<u32>() + size_of::<HashMap<Key, Bucket>>());
    share.grow(tables + own + numbers * vec_bytes::<Partial>(width))?;
    let mut all: Vec<HashMap<Key, Bucket>> =
        children.into_iter().map(|count| HashMap::with_capacity(count as usize)).collect();
    for (((parent, _), count), name) in buckets.keys.iter().zip(buckets.counts).zip(names) {
        let mut found = Vec::with_capacity(width);
        found.extend(inner.iter_mut().filter_map(Iterator::next));
        if let Some(key) = name {
            all[*parent as usize].insert(key, Bucket { count, inner: found });
        }
    }
    partials.extend(all.into_iter().map(Partial::Buckets));
    Ok(())
}
