//! Seeded numbers: one seed gives the same lines, the same faults and the same moments of death.

/// A well mixed number for the `n`-th draw under `seed` (SplitMix64).
pub fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A sequence of draws.
#[derive(Debug, Clone)]
pub struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    /// Starts the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        let value = mix(self.seed, self.drawn);
        self.drawn += 1;
        value
    }

    /// A number in `0..bound`; 0 for an empty range.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll().checked_rem(bound).unwrap_or(0)
    }

    /// True in `per_mille` of 1000 draws.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }
}

/// A seed nobody chose, for runs without `--seed`. It is printed, so that the run can be repeated.
pub fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    mix(now.as_nanos() as u64, u64::from(std::process::id())) % 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let draw = |seed| {
            let mut dice = Dice::new(seed);
            std::array::from_fn::<u64, 8, _>(|_| dice.roll())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn chance_is_near_its_share() {
        let mut dice = Dice::new(1);
        let hits = (0..100_000).filter(|_| dice.chance(250)).count();
        assert!((24_000..26_000).contains(&hits), "{hits} of 100000 at 250 per mille");
    }
}
