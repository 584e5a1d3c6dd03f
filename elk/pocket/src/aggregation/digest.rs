//! Percentiles: all values while they are few, then a merging t-digest.

/// Values below this count are all kept, and percentiles are exact.
const EXACT_MAX: usize = 512;
/// Centroids are as fine as `q (1 - q)` allows at this compression: about 200 of them.
const COMPRESSION: f64 = 200.0;

/// A summary of numbers that answers percentiles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Digest {
    /// Means and weights, by mean.
    centroids: Vec<(f64, f64)>,
    /// Values not yet among the centroids.
    fresh: Vec<f64>,
    min: f64,
    max: f64,
    total: f64,
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
    pub fn merge(&mut self, other: &Self) {
        if other.total == 0.0 {
            return;
        }
        if self.total == 0.0 {
            *self = other.clone();
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

    /// How many values were added.
    pub fn count(&self) -> u64 {
        self.total as u64
    }

    /// Approximate bytes held.
    pub fn size(&self) -> usize {
        self.centroids.capacity() * 16 + self.fresh.capacity() * 8
    }

    fn compress(&mut self) {
        self.fresh.sort_unstable_by(f64::total_cmp);
        let mut all: Vec<(f64, f64)> = std::mem::take(&mut self.centroids);
        let sorted = all.is_sorted_by(|a, b| a.0 <= b.0);
        all.extend(self.fresh.drain(..).map(|value| (value, 1.0)));
        if sorted && all.len() > 1 {
            // Two sorted runs: the stable sort finds them.
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
        } else {
            all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        }
        let total: f64 = all.iter().map(|centroid| centroid.1).sum();
        let mut merged: Vec<(f64, f64)> = Vec::with_capacity(COMPRESSION as usize * 2);
        let mut before = 0.0;
        let mut limit = weight_limit(0.0) * total;
        for (mean, weight) in all {
            match merged.last_mut() {
                Some(last) if last.1 + weight <= limit || last.0 == mean => {
                    last.1 += weight;
                    last.0 += (mean - last.0) * weight / last.1;
                }
                _ => {
                    before += merged.last().map_or(0.0, |last| last.1);
                    limit = weight_limit(before / total) * total;
                    merged.push((mean, weight));
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
        let mut whole = self.clone();
        whole.compress();
        Some(whole.interpolate(share))
    }

    /// Interpolates between the middles of centroids.
    fn interpolate(&self, share: f64) -> f64 {
        let target = share * self.total;
        let (mut before, mut left) = (0.0, (0.0, self.min));
        for (mean, weight) in &self.centroids {
            let middle = before + weight / 2.0;
            if target <= middle {
                let width = middle - left.0;
                let part = if width > 0.0 { (target - left.0) / width } else { 0.0 };
                return left.1 + (mean - left.1) * part;
            }
            left = (middle, *mean);
            before += weight;
        }
        let width = self.total - left.0;
        let part = if width > 0.0 { (target - left.0) / width } else { 1.0 };
        left.1 + (self.max - left.1) * part
    }
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
        fn answers_lie_within_a_hundredth_of_their_rank(seed: u64, count in 100usize..20_000, parts in 1usize..6, shape in 0u8..4) {
            let all = values(seed, count, shape);
            let mut digest = Digest::default();
            for part in all.chunks(count.div_ceil(parts)) {
                let mut piece = Digest::default();
                part.iter().for_each(|value| piece.add(*value));
                digest.merge(&piece);
            }
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
