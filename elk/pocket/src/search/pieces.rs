//! A segment, cut into pieces whose answers are remembered one by one.
//!
//! A window in time that moves on leaves most documents of a segment as they were: inside, or outside. Only blocks that an
//! end of the window lies in are searched again. What lies inside is answered in runs of blocks, which are aligned so that
//! a window a little further on consists of mostly the same runs.

use crate::index::{BLOCK_DOCS, Segment};
use crate::mapping::FieldId;
use crate::query::{Bound, simplify};
use std::ops::Range;

/// Blocks of the longest run: half a million documents, the most that is searched again when a run breaks up.
const RUN_MAX: usize = 64;
/// A run breaks up into so many shorter ones. With fewer, documents would be in more runs one after the other while a window
/// passes them; with more, there would be more answers to lay together.
const PARTS: usize = 8;

/// A segment under a query.
#[derive(Debug, PartialEq)]
pub(super) struct Pieces {
    /// Runs of documents that are inside the window.
    pub(super) inside: Vec<Range<u32>>,
    /// What is asked of those: the query without the window.
    pub(super) rest: Bound,
    /// Blocks of which some documents are inside, perhaps.
    pub(super) cut: Vec<Range<u32>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Block {
    Inside,
    Cut,
    Outside,
}

impl Pieces {
    /// The pieces of `segment` under a query that is simplified for it; `time` is the field of the window.
    pub(super) fn of(query: &Bound, time: Option<FieldId>, segment: &Segment) -> tantivy::Result<Self> {
        if *query == Bound::None {
            return Ok(Self { inside: Vec::new(), rest: Bound::None, cut: Vec::new() });
        }
        let whole = || {
            let blocks = vec![Block::Inside; segment.max_doc().div_ceil(BLOCK_DOCS) as usize];
            Self { inside: runs(&blocks, segment.max_doc()), rest: query.clone(), cut: Vec::new() }
        };
        let window = time.and_then(|time| Some((time, window(query, time)?)));
        let Some((time, window)) = window else { return Ok(whole()) };
        let Some(spans) = segment.spans(time)? else { return Ok(whole()) };
        let blocks: Vec<Block> = spans.iter().map(|span| lies(*span, window)).collect();
        let cut = blocks.iter().enumerate().filter(|(_, block)| **block == Block::Cut);
        let cut = cut.map(|(at, _)| documents(at, 1, segment.max_doc())).collect();
        let rest = simplify(&without(query, time), segment)?;
        Ok(Self { inside: runs(&blocks, segment.max_doc()), rest, cut })
    }
}

/// From the first document of `pieces` to the last.
pub(super) fn hull(pieces: &[Range<u32>]) -> Range<u32> {
    let start = pieces.iter().map(|piece| piece.start).min().unwrap_or(0);
    start..pieces.iter().map(|piece| piece.end).max().unwrap_or(0)
}

/// The bounds on `time` that all documents must keep to.
fn window(query: &Bound, time: FieldId) -> Option<(i64, i64)> {
    match query {
        Bound::Numbers(field, low, high) if *field == time => Some((*low, *high)),
        Bound::And(parts) => parts.iter().find_map(|part| window(part, time)),
        _ => None,
    }
}

/// The query without what [`window`] has found.
fn without(query: &Bound, time: FieldId) -> Bound {
    match query {
        Bound::Numbers(field, ..) if *field == time => Bound::All,
        Bound::And(parts) => {
            let at = parts.iter().position(|part| window(part, time).is_some());
            let parts = parts.iter().enumerate();
            let kept = parts.map(|(place, part)| match Some(place) == at {
                true => without(part, time),
                false => part.clone(),
            });
            Bound::And(kept.collect())
        }
        other => other.clone(),
    }
}

fn lies((least, greatest): (i64, i64), (low, high): (i64, i64)) -> Block {
    match (low <= least && greatest <= high, low <= greatest && least <= high) {
        (true, _) => Block::Inside,
        (false, true) => Block::Cut,
        (false, false) => Block::Outside,
    }
}

/// The blocks inside as runs of 1, 8 or 64 blocks that begin at a multiple of their length. The last one may lack some.
fn runs(blocks: &[Block], max_doc: u32) -> Vec<Range<u32>> {
    let inside = |at: usize| blocks.get(at).is_none_or(|block| *block == Block::Inside);
    let mut found = Vec::new();
    let mut at = 0;
    while at < blocks.len() {
        if !inside(at) {
            at += 1;
            continue;
        }
        let mut length = 1;
        while length < RUN_MAX
            && at.is_multiple_of(length * PARTS)
            && (at + length..at + length * PARTS).all(inside)
        {
            length *= PARTS;
        }
        found.push(documents(at, length, max_doc));
        at += length;
    }
    found
}

fn documents(first: usize, blocks: usize, max_doc: u32) -> Range<u32> {
    let start = first as u32 * BLOCK_DOCS;
    start..max_doc.min(start + blocks as u32 * BLOCK_DOCS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inside(blocks: Range<usize>, count: usize) -> Vec<Block> {
        (0..count).map(|at| if blocks.contains(&at) { Block::Inside } else { Block::Outside }).collect()
    }

    fn in_blocks(runs: &[Range<u32>]) -> Vec<Range<u32>> {
        runs.iter().map(|run| run.start / BLOCK_DOCS..run.end.div_ceil(BLOCK_DOCS)).collect()
    }

    #[test]
    fn runs_are_aligned_and_the_last_one_may_be_short() {
        let last = 127 * BLOCK_DOCS - 5;
        assert_eq!(in_blocks(&runs(&inside(0..127, 127), last)), [0..64, 64..127]);
        assert_eq!(runs(&inside(0..127, 127), last)[1].end, last);
        assert_eq!(in_blocks(&runs(&inside(46..127, 127), last)), [46..47, 47..48, 48..56, 56..64, 64..127]);
        assert_eq!(in_blocks(&runs(&inside(8..18, 127), last)), [8..16, 16..17, 17..18]);
    }

    proptest! {
        #[test]
        fn every_document_inside_is_in_one_run(flags in prop::collection::vec(any::<bool>(), 1..300), short in 0..BLOCK_DOCS) {
            let max_doc = flags.len() as u32 * BLOCK_DOCS - short.min(BLOCK_DOCS - 1);
            let blocks: Vec<Block> = flags.iter().map(|flag| if *flag { Block::Inside } else { Block::Cut }).collect();
            let found = runs(&blocks, max_doc);
            prop_assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start));
            let blocks: usize = in_blocks(&found).iter().map(ExactSizeIterator::len).sum();
            prop_assert_eq!(blocks, flags.iter().filter(|flag| **flag).count());
            prop_assert!(found.iter().all(|run| flags[(run.start / BLOCK_DOCS) as usize] && run.end <= max_doc));
        }

        #[test]
        fn a_window_that_moves_a_block_on_keeps_most_runs(from in 0usize..60, length in 1usize..60) {
            let count = 128;
            let before = runs(&inside(from..from + length, count), 128 * BLOCK_DOCS);
            let after = runs(&inside(from + 1..from + 1 + length, count), 128 * BLOCK_DOCS);
            let new: u32 = after.iter().filter(|run| !before.contains(run)).map(|run| run.end - run.start).sum();
            // A run breaks up at one end, and one is completed at the other.
            prop_assert!(new <= 2 * RUN_MAX as u32 * BLOCK_DOCS);
        }
    }

    #[test]
    fn only_the_window_is_taken_out_of_a_query() {
        let (time, other) = (FieldId(1), FieldId(2));
        let window_of = |query: &Bound| window(query, time);
        let query = Bound::And(vec![
            Bound::Numbers(other, 1, 2),
            Bound::And(vec![Bound::Numbers(time, 5, 9), Bound::Not(Box::new(Bound::Numbers(time, 7, 7)))]),
        ]);
        assert_eq!(window_of(&query), Some((5, 9)));
        assert_eq!(
            without(&query, time),
            Bound::And(vec![
                Bound::Numbers(other, 1, 2),
                Bound::And(vec![Bound::All, Bound::Not(Box::new(Bound::Numbers(time, 7, 7)))]),
            ])
        );
        assert_eq!(window_of(&Bound::Or(vec![Bound::Numbers(time, 5, 9)], 1)), None);
        assert_eq!(lies((3, 4), (5, 9)), Block::Outside);
        assert_eq!(lies((3, 5), (5, 9)), Block::Cut);
        assert_eq!(lies((5, 9), (5, 9)), Block::Inside);
    }
}
