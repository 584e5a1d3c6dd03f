//! Percentiles: all values while they are few, then a merging t-digest.

use super::allowance::vec_bytes;

/// Values below this count are all kept, and percentiles are exact.
const EXACT_MAX: usize = 512;
/// Centroids are as fine as `q (1 - q)` allows at this compression: some 400 of them, the heaviest with 1 % of the values.
const COMPRESSION: f64 = 100.0;

/// A summary of numbers that answers percentiles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Digest {
    /// By mean.
    centroids: Vec<Centroid>,
    /// Values not yet among the centroids.
    fresh: Vec<f64>,
    min: f64,
    max: f64,
    total: f64,
}

/// Neighbouring values, taken together.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Centroid {
    mean: f64,
    weight: f64,
    /// All its values are the mean: nothing may be interpolated within it. Columns of few different values (status
    /// codes, sizes) would else be answered with numbers far from every value.
    pure: bool,
}

impl Digest {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        if self.total == 0.0 {
            (self.min, self.max) = (value, value);
        }
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.total += 1.0;
        self.fresh.push(value);
        if self.fresh.len() >= EXACT_MAX * 2 {
            self.compress();
        }
    }

    /// Adds all of another digest.
    pub fn merge(&mut self, other: Self) {
        if other.total == 0.0 {
            return;
        }
        if self.total == 0.0 {
            *self = other;
            return;
        }
        if other.centroids.is_empty() {
            other.fresh.iter().for_each(|value| self.add(*value));
            return;
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.total += other.total;
        self.centroids.extend(&other.centroids);
        self.fresh.extend(&other.fresh);
        self.compress();
    }

    /// The same in as little memory as it takes, and at once ready to answer.
    pub fn compact(mut self) -> Self {
        if !self.centroids.is_empty() && !self.fresh.is_empty() {
            self.compress();
        }
        self.fresh.shrink_to_fit();
        self.centroids.shrink_to_fit();
        self
    }

    /// How many values were added.
    pub fn count(&self) -> u64 {
        self.total as u64
    }

    /// Bytes on the heap.
    pub fn size(&self) -> usize {
        vec_bytes::<Centroid>(self.centroids.capacity()) + vec_bytes::<f64>(self.fresh.capacity())
    }

    fn compress(&mut self) {
        self.fresh.sort_unstable_by(f64::total_cmp);
        let mut all: Vec<Centroid> = std::mem::take(&mut self.centroids);
        all.extend(self.fresh.drain(..).map(|value| Centroid { mean: value, weight: 1.0, pure: true }));
        // Mostly two sorted runs, which the stable sort finds.
        all.sort_by(|a, b| a.mean.total_cmp(&b.mean));
        let total: f64 = all.iter().map(|centroid| centroid.weight).sum();
        let mut merged: Vec<Centroid> = Vec::with_capacity(COMPRESSION as usize * 4);
        let mut before = 0.0;
        let mut limit = weight_limit(0.0) * total;
        for next in all {
            match merged.last_mut() {
                Some(last) if last.pure && next.pure && last.mean == next.mean => last.weight += next.weight,
                Some(last) if last.weight + next.weight <= limit => {
                    last.weight += next.weight;
                    last.mean += (next.mean - last.mean) * next.weight / last.weight;
                    last.pure = false;
                }
                _ => {
                    before += merged.last().map_or(0.0, |last| last.weight);
                    limit = weight_limit(before / total) * total;
                    merged.push(next);
                }
            }
        }
        self.centroids = merged;
    }

    /// The value below which `percent` of the values lie; `None` without any. Few values are interpolated between their
    /// neighbours in rank, as Elasticsearch does.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if self.total == 0.0 {
            return None;
        }
        let share = (percent / 100.0).clamp(0.0, 1.0);
        if self.centroids.is_empty() {
            let mut values = self.fresh.clone();
            values.sort_unstable_by(f64::total_cmp);
            return Some(between_ranks(&values, share));
        }
        if self.fresh.is_empty() {
            return Some(self.interpolate(share));
        }
        let mut whole = self.clone();
        whole.compress();
        Some(whole.interpolate(share))
    }

    /// Interpolates between the middles of centroids; within a pure one there is nothing but its mean.
    fn interpolate(&self, share: f64) -> f64 {
        let target = share * self.total;
        let (mut before, mut left) = (0.0, (0.0, self.min));
        for centroid in &self.centroids {
            let half = if centroid.pure { 0.0 } else { centroid.weight / 2.0 };
            let (start, end) = (before + half, before + centroid.weight - half);
            if target < start {
                return between(left, (start, centroid.mean), target);
            }
            if target <= end {
                return centroid.mean;
            }
            left = (end, centroid.mean);
            before += centroid.weight;
        }
        between(left, (self.total, self.max), target)
    }
}

/// The height at `x` of the line through two points.
fn between(left: (f64, f64), right: (f64, f64), x: f64) -> f64 {
    let width = right.0 - left.0;
    if width > 0.0 { left.1 + (right.1 - left.1) * (x - left.0) / width } else { right.1 }
}

fn weight_limit(share: f64) -> f64 {
    4.0 * (share * (1.0 - share)).max(1.0 / (COMPRESSION * 4.0)) / COMPRESSION
}

fn between_ranks(values: &[f64], share: f64) -> f64 {
    let place = share * (values.len() - 1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(values.len() - 1);
    values[low] + (values[high] - values[low]) * part
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values in skewed, even and clustered shapes.
    fn values(seed: u64, count: usize, shape: u8) -> Vec<f64> {
        let mut state = seed | 1;
        (0..count)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
                match shape {
                    0 => unit * 1e6,
                    1 => -unit.max(1e-12).ln() * 5e4,
                    2 => (unit * 7.0).floor(),
                    _ => {
                        if unit < 0.9 {
                            unit
                        } else {
                            1e9 * unit
                        }
                    }
                }
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn answers_lie_within_a_hundredth_of_their_rank(seed: u64, count in 100usize..20_000, parts in 1usize..40, shape in 0u8..4) {
            let all = values(seed, count, shape);
            let mut digest = Digest::default();
            for part in all.chunks(count.div_ceil(parts)) {
                let mut piece = Digest::default();
                part.iter().for_each(|value| piece.add(*value));
                digest.merge(piece.compact());
            }
            prop_assert!(digest.centroids.len() <= 1_000, "{} centroids", digest.centroids.len());
            prop_assert_eq!(digest.count(), count as u64);
            for percent in [1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0] {
                let answer = digest.percentile(percent).unwrap();
                let share = |test: &dyn Fn(f64) -> bool| all.iter().filter(|value| test(**value)).count() as f64 / count as f64;
                // Equal values span a range of ranks; the answer must touch the one asked for.
                let (below, upto) = (share(&|value| value < answer), share(&|value| value <= answer));
                prop_assert!(below - 0.01 <= percent / 100.0 && percent / 100.0 <= upto + 0.0101, "{percent}: {below} {upto}");
            }
        }
    }

    #[test]
    fn few_values_are_interpolated() {
        let mut digest = Digest::default();
        assert_eq!(digest.percentile(50.0), None);
        [1.0, 2.0, 4.0].iter().for_each(|value| digest.add(*value));
        assert_eq!(digest.percentile(50.0), Some(2.0));
        assert_eq!(digest.percentile(75.0), Some(3.0));
        assert_eq!(digest.percentile(100.0), Some(4.0));
    }
}
