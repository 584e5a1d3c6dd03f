//! Sets of documents of one segment.

use crate::aggregation::vec_bytes;
use std::ops::Range;

/// A set of documents. `All` and `None` cost nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Docs {
    /// Every document.
    All,
    /// No document.
    None,
    /// One bit a document.
    Some(Vec<u64>),
}

impl Docs {
    /// A set with room for `max` documents, empty.
    pub fn with_room(max: u32) -> Vec<u64> {
        vec![0; (max as usize).div_ceil(64)]
    }

    /// From ascending or any documents.
    pub fn of(max: u32, docs: impl IntoIterator<Item = u32>) -> Self {
        let mut bits = Self::with_room(max);
        for doc in docs {
            bits[doc as usize / 64] |= 1 << (doc % 64);
        }
        Self::Some(bits)
    }

    /// The documents of ranges.
    pub fn of_ranges(max: u32, ranges: &[Range<u32>]) -> Self {
        if ranges.contains(&(0..max)) {
            return Self::All;
        }
        let mut bits = Self::with_room(max);
        for Range { start, end } in ranges.iter().cloned() {
            for word in start / 64..end.div_ceil(64) {
                let (first, behind) = (start.max(word * 64) % 64, end.min(word * 64 + 64) - word * 64);
                bits[word as usize] |= u64::MAX << first & u64::MAX >> (64 - behind);
            }
        }
        Self::Some(bits)
    }

    /// Documents in both.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::All, other) | (other, Self::All) => other,
            (Self::Some(mut bits), Self::Some(other)) => {
                bits.iter_mut().zip(&other).for_each(|(bit, other)| *bit &= other);
                Self::Some(bits)
            }
        }
    }

    /// Documents in either.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::None, other) | (other, Self::None) => other,
            (Self::Some(mut bits), Self::Some(other)) => {
                bits.iter_mut().zip(&other).for_each(|(bit, other)| *bit |= other);
                Self::Some(bits)
            }
        }
    }

    /// All documents but these.
    pub fn not(self, max: u32) -> Self {
        match self {
            Self::All => Self::None,
            Self::None => Self::All,
            Self::Some(mut bits) => {
                bits.iter_mut().for_each(|bit| *bit = !*bit);
                if let (Some(last), 1..) = (bits.last_mut(), max % 64) {
                    *last &= (1 << (max % 64)) - 1;
                }
                Self::Some(bits)
            }
        }
    }

    /// Whether a document is in it.
    pub fn contains(&self, doc: u32) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Some(bits) => bits[doc as usize / 64] >> (doc % 64) & 1 == 1,
        }
    }

    /// How many of `max` documents are in it.
    pub fn count(&self, max: u32) -> u64 {
        match self {
            Self::All => max.into(),
            Self::None => 0,
            Self::Some(bits) => bits.iter().map(|bit| u64::from(bit.count_ones())).sum(),
        }
    }

    /// Bytes on the heap.
    pub fn size(&self) -> usize {
        match self {
            Self::All | Self::None => 0,
            Self::Some(bits) => vec_bytes::<u64>(bits.capacity()),
        }
    }

    /// Hands documents over in ascending blocks of at most `block`.
    pub fn for_each_block<E>(
        &self,
        max: u32,
        block: usize,
        mut take: impl FnMut(&[u32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut buffer = Vec::with_capacity(block + 64);
        match self {
            Self::None => {}
            Self::All => {
                for start in (0..max).step_by(block) {
                    buffer.clear();
                    buffer.extend(start..max.min(start + block as u32));
                    take(&buffer)?;
                }
            }
            Self::Some(bits) => {
                for (at, word) in bits.iter().enumerate() {
                    let mut word = *word;
                    while word != 0 {
                        buffer.push(at as u32 * 64 + word.trailing_zeros());
                        word &= word - 1;
                    }
                    if buffer.len() >= block {
                        take(&buffer)?;
                        buffer.clear();
                    }
                }
                if !buffer.is_empty() {
                    take(&buffer)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn members(docs: &Docs, max: u32) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        docs.for_each_block::<()>(max, 50, |block| {
            found.extend(block);
            Ok(())
        })
        .unwrap();
        found
    }

    proptest! {
        #[test]
        fn sets_combine_as_sets_do(max in 1u32..300, a: BTreeSet<u16>, b: BTreeSet<u16>) {
            let fit = |set: &BTreeSet<u16>| set.iter().map(|doc| u32::from(*doc) % max).collect::<BTreeSet<u32>>();
            let (a, b) = (fit(&a), fit(&b));
            let set = |members: &BTreeSet<u32>| Docs::of(max, members.iter().copied());
            prop_assert_eq!(members(&set(&a).and(set(&b)), max), &a & &b);
            prop_assert_eq!(members(&set(&a).or(set(&b)), max), &a | &b);
            for range in [0..max, max / 3..max, max / 3..max / 2] {
                let expected = range.clone().collect();
                prop_assert_eq!(members(&Docs::of_ranges(max, &[range]), max), expected);
            }
            let all: BTreeSet<u32> = (0..max).collect();
            prop_assert_eq!(members(&set(&a).not(max), max), &all - &a);
            prop_assert_eq!(set(&a).count(max), a.len() as u64);
            prop_assert_eq!(members(&Docs::All, max), all);
        }
    }
}
