//! The key of a document: its `_id` in 16 bytes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use xxhash_rust::xxh3::xxh3_128;

/// A document's `_id` as 128 bits that sort as its bytes do.
///
/// Ids of 20 characters of URL-safe base64 (those of the agent, and those Elasticsearch makes up) are their own 15 bytes
/// and a zero: no two of them share a key. Other ids are 120 bits of their XXH3-128 and a one; the id itself then stands
/// with the source. The chance that two such ids meet among 10 million is 10⁻²³.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocKey(u128);

impl DocKey {
    /// The key of an id.
    pub fn of(id: &str) -> Self {
        let mut bytes = [0; 16];
        if id.len() == 20 && URL_SAFE_NO_PAD.decode_slice(id, &mut bytes[..15]) == Ok(15) {
            return Self(u128::from_be_bytes(bytes));
        }
        Self((xxh3_128(id.as_bytes()) & !0xff) | 1)
    }

    /// The key of an id made up from 15 random bytes.
    pub fn from_random(bytes: [u8; 15]) -> Self {
        let mut full = [0; 16];
        full[..15].copy_from_slice(&bytes);
        Self(u128::from_be_bytes(full))
    }

    /// The id where the key holds it; `None` where it stands with the source.
    pub fn id(self) -> Option<String> {
        (self.0 & 0xff == 0).then(|| URL_SAFE_NO_PAD.encode(&self.0.to_be_bytes()[..15]))
    }

    /// As two halves for two columns.
    pub fn halves(self) -> (u64, u64) {
        ((self.0 >> 64) as u64, self.0 as u64)
    }

    /// From the halves of [`Self::halves`].
    pub fn from_halves(high: u64, low: u64) -> Self {
        Self(u128::from(high) << 64 | u128::from(low))
    }

    /// All 128 bits.
    pub fn bits(self) -> u128 {
        self.0
    }

    /// From the bits of [`Self::bits`].
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_of_another_shape_are_hashed() {
        for id in ["", "d0000", "MTIzNDU2Nzg5MDEyMzQ1+", "12345678901234567 90"] {
            assert_eq!(DocKey::of(id).id(), None, "{id}");
        }
        assert_ne!(DocKey::of("a"), DocKey::of("b"));
    }

    proptest! {
        #[test]
        fn fifteen_bytes_are_their_own_key(bytes: [u8; 15]) {
            let id = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert_eq!(DocKey::of(&id), DocKey::from_random(bytes));
            prop_assert_eq!(DocKey::of(&id).id(), Some(id));
            let (high, low) = DocKey::from_random(bytes).halves();
            prop_assert_eq!(DocKey::from_halves(high, low), DocKey::from_random(bytes));
        }
    }
}
