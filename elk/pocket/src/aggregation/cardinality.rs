//! Counting different values: exactly up to 3,000, then by HyperLogLog.

use super::allowance::{table_bytes, vec_bytes};
use std::collections::HashSet;

const EXACT_MAX: usize = 3_000;
const BITS: u32 = 14;
const REGISTERS: usize = 1 << BITS;

/// A set of 64-bit hashes that knows about how many different ones it has seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Cardinality {
    /// All hashes.
    Exact(HashSet<u64>),
    /// The longest run of zeros seen by each of 16,384 registers: standard error 0.8 %.
    Estimated(Vec<u8>),
}

impl Default for Cardinality {
    fn default() -> Self {
        Self::Exact(HashSet::new())
    }
}

impl Cardinality {
    /// Adds a hash.
    pub fn add(&mut self, hash: u64) {
        match self {
            Self::Exact(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT_MAX {
                    let mut registers = vec![0; REGISTERS];
                    hashes.iter().for_each(|hash| note(&mut registers, *hash));
                    *self = Self::Estimated(registers);
                }
            }
            Self::Estimated(registers) => note(registers, hash),
        }
    }

    /// Adds all of another set.
    pub fn merge(&mut self, other: Self) {
        match (&mut *self, other) {
            (_, Self::Exact(hashes)) => hashes.into_iter().for_each(|hash| self.add(hash)),
            (Self::Estimated(registers), Self::Estimated(others)) => {
                registers
                    .iter_mut()
                    .zip(others)
                    .for_each(|(register, other)| *register = (*register).max(other));
            }
            (Self::Exact(_), mut other @ Self::Estimated(_)) => {
                std::mem::swap(self, &mut other);
                self.merge(other);
            }
        }
    }

    /// How many different hashes were added.
    pub fn count(&self) -> u64 {
        match self {
            Self::Exact(hashes) => hashes.len() as u64,
            Self::Estimated(registers) => estimate(registers),
        }
    }

    /// Bytes on the heap.
    pub fn size(&self) -> usize {
        match self {
            Self::Exact(hashes) => table_bytes(hashes.capacity(), size_of::<u64>()),
            Self::Estimated(registers) => vec_bytes::<u8>(registers.capacity()),
        }
    }
}

fn note(registers: &mut [u8], hash: u64) {
    let register = (hash >> (64 - BITS)) as usize;
    let rank = ((hash << BITS) | (1 << (BITS - 1))).leading_zeros() as u8 + 1;
    registers[register] = registers[register].max(rank);
}

/// Ertl's improved estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6): no
/// bias to correct by tables.
fn estimate(registers: &[u8]) -> u64 {
    let most = (64 - BITS + 1) as usize;
    let mut counts = vec![0f64; most + 1];
    registers.iter().for_each(|rank| counts[usize::from(*rank).min(most)] += 1.0);
    let m = REGISTERS as f64;
    let mut z = m * tau(1.0 - counts[most] / m);
    for rank in (1..most).rev() {
        z = 0.5 * (z + counts[rank]);
    }
    z += m * sigma(counts[0] / m);
    (m * m / (2.0 * std::f64::consts::LN_2 * z)).round() as u64
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn counts_are_exact_to_three_thousand_and_within_two_percent_after() {
        let mut set = Cardinality::default();
        for number in 0u64..1_000_000 {
            set.add(xxh3_64(&number.to_le_bytes()));
            set.add(xxh3_64(&(number / 2).to_le_bytes()));
            let seen = number + 1;
            if seen == 3_000 {
                assert_eq!(set.count(), 3_000);
            } else if [3_001, 10_000, 40_000, 200_000, 1_000_000].contains(&seen) {
                let count = set.count() as f64;
                assert!((count / seen as f64 - 1.0).abs() < 0.02, "{count} of {seen}");
            }
        }
    }

    #[test]
    fn merged_sets_count_their_union() {
        let set = |range: std::ops::Range<u64>| {
            let mut set = Cardinality::default();
            range.for_each(|number| set.add(xxh3_64(&number.to_le_bytes())));
            set
        };
        for (a, b, expected) in [
            (0..10, 5..20, 20),
            (0..10, 0..50_000, 50_000),
            (0..50_000, 5..6, 50_000),
            (0..40_000, 20_000..60_000, 60_000),
        ] {
            let mut merged = set(a);
            merged.merge(set(b));
            let count = merged.count() as f64;
            assert!((count / f64::from(expected) - 1.0).abs() < 0.02, "{count} of {expected}");
        }
    }
}
