//! Buckets, numbered as they come.

use crate::aggregation::allowance::{table_bytes, vec_bytes};
use std::collections::HashMap;

/// Numbers of buckets by parent and key.
#[derive(Default)]
pub(super) struct Buckets {
    /// `parent * width + key` where keys are small and dense.
    dense: Vec<u32>,
    width: usize,
    sparse: HashMap<(u32, i64), u32>,
    pub(super) keys: Vec<(u32, i64)>,
    pub(super) counts: Vec<u64>,
}

const DENSE_MAX: usize = 1 << 20;

impl Buckets {
    pub(super) fn new(width: usize) -> Self {
        Self { width: if width <= DENSE_MAX { width } else { 0 }, ..Self::default() }
    }

    #[inline]
    pub(super) fn number(&mut self, parent: u32, key: i64) -> u32 {
        let place = parent as usize * self.width + key as usize;
        if self.width > 0 && key >= 0 && (key as usize) < self.width && place < DENSE_MAX * 4 {
            if place >= self.dense.len() {
                self.dense.resize((parent as usize + 1) * self.width, u32::MAX);
            }
            if self.dense[place] == u32::MAX {
                self.dense[place] = self.keys.len() as u32;
                self.keys.push((parent, key));
                self.counts.push(0);
            }
            let number = self.dense[place];
            self.counts[number as usize] += 1;
            return number;
        }
        let next = self.keys.len() as u32;
        let number = *self.sparse.entry((parent, key)).or_insert(next);
        if number == next {
            self.keys.push((parent, key));
            self.counts.push(0);
        }
        self.counts[number as usize] += 1;
        number
    }

    pub(super) fn size(&self) -> usize {
        vec_bytes::<u32>(self.dense.capacity())
            + table_bytes(self.sparse.capacity(), size_of::<((u32, i64), u32)>())
            + vec_bytes::<(u32, i64)>(self.keys.capacity())
            + vec_bytes::<u64>(self.counts.capacity())
    }
}
