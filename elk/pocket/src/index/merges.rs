//! Which segments are merged.

use tantivy::index::SegmentMeta;
use tantivy::indexer::{LogMergePolicy, MergeCandidate, MergePolicy};

/// Merges segments of like sizes, as tantivy does, but makes none larger than its bound.
///
/// tantivy's own bound is on what goes into a merge: eight segments just below it become one of eight times the size, and
/// the memory of a merge grows with the documents in it.
#[derive(Debug)]
pub(super) struct BoundedMerges {
    like_sizes: LogMergePolicy,
    docs_max: usize,
}

impl BoundedMerges {
    pub(super) fn new(docs_max: usize) -> Self {
        let mut like_sizes = LogMergePolicy::default();
        // Of larger ones no two fit together.
        like_sizes.set_max_docs_before_merge(docs_max / 2);
        Self { like_sizes, docs_max }
    }
}

impl MergePolicy for BoundedMerges {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let docs = |candidate: &MergeCandidate| -> Vec<u32> {
            let docs =
                |id| segments.iter().find(|segment| segment.id() == id).map_or(0, SegmentMeta::num_docs);
            candidate.0.iter().map(|id| docs(*id)).collect()
        };
        let mut candidates = self.like_sizes.compute_merge_candidates(segments);
        for candidate in &mut candidates {
            candidate.0.truncate(fitting(&docs(candidate), self.docs_max));
        }
        // One alone is rewritten only to drop what is deleted from it, and then as it was found.
        candidates.retain(|candidate| !candidate.0.is_empty());
        candidates
    }
}

/// How many of the segments, from the first on, have no more than `most` documents together.
fn fitting(docs: &[u32], most: usize) -> usize {
    let mut sum = 0;
    docs.iter()
        .take_while(|docs| {
            sum += **docs as usize;
            sum <= most
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_end_at_the_bound() {
        assert_eq!(fitting(&[400, 300, 300, 200], 1_000), 3);
        assert_eq!(fitting(&[400, 300], 1_000), 2);
        assert_eq!(fitting(&[500, 500, 500], 1_000), 2);
        assert_eq!(fitting(&[], 1_000), 0);
    }
}
