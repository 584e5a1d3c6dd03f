//! The lineage of a file and the id of an event (the frozen id rule).
//!
//! `_id` = URL-safe base64 without padding (20 characters) of 15 bytes, big-endian:
//! lineage 6 · offset of the event's first byte 5 (modulo 2^40) · checksum 4 (low 32 bits of XXH3-64 over the event's
//! bytes as they lie in the file, last terminator excluded).
//!
//! The lineage is the low 48 bits of XXH3-64 over what identifies a file generation, see [`LineageParts`]. Paths, device
//! numbers and default input ids are not in it, so renames, bind mounts and renumbered devices keep the ids.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Most bytes of the first line that take part in the lineage.
pub const FIRST_LINE_BYTES: usize = 1024;

/// The first six bytes of every event id of one file generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lineage(pub [u8; 6]);

/// What a lineage is made of.
///
/// Hashed as: `host_id` NUL `input_id` NUL, then inode, birth time, length of `first_line` as 8 bytes big-endian each, the
/// bytes of `first_line`, and the generation as 4 bytes big-endian.
#[derive(Debug, Clone)]
pub struct LineageParts<'a> {
    /// `host.id` of the configuration, by default the host name.
    pub host_id: &'a str,
    /// The input's `id`, only where the configuration states one.
    pub input_id: Option<&'a str>,
    /// Inode number.
    pub inode: u64,
    /// Birth time in nanoseconds since 1970, 0 where the file system keeps none.
    pub birth_ns: u64,
    /// The first line without its terminator, cut at [`FIRST_LINE_BYTES`].
    pub first_line: &'a [u8],
    /// Raised when the same file holds another text, see DESIGN 3.
    pub generation: u32,
}

impl LineageParts<'_> {
    /// The lineage of these parts.
    pub fn lineage(&self) -> Lineage {
        let first_line = &self.first_line[..self.first_line.len().min(FIRST_LINE_BYTES)];
        let mut hash = Xxh3::new();
        hash.update(self.host_id.as_bytes());
        hash.update(&[0]);
        hash.update(self.input_id.unwrap_or("").as_bytes());
        hash.update(&[0]);
        hash.update(&self.inode.to_be_bytes());
        hash.update(&self.birth_ns.to_be_bytes());
        hash.update(&(first_line.len() as u64).to_be_bytes());
        hash.update(first_line);
        hash.update(&self.generation.to_be_bytes());
        let [_, _, low @ ..] = hash.digest().to_be_bytes();
        Lineage(low)
    }
}

/// Length of an event id in characters.
pub const ID_LEN: usize = 20;

/// Low 32 bits of XXH3-64 over an event's bytes as they lie in the file, last terminator excluded.
pub fn checksum(event: &[u8]) -> u32 {
    xxh3_64(event) as u32
}

/// The id of the event that starts at `offset`.
pub fn event_id(lineage: Lineage, offset: u64, checksum: u32) -> [u8; ID_LEN] {
    let mut raw = [0u8; 15];
    raw[..6].copy_from_slice(&lineage.0);
    raw[6..11].copy_from_slice(&offset.to_be_bytes()[3..]);
    raw[11..].copy_from_slice(&checksum.to_be_bytes());
    let mut id = [0u8; ID_LEN];
    for (three, four) in raw.chunks_exact(3).zip(id.chunks_exact_mut(4)) {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for (place, character) in four.iter_mut().enumerate() {
            *character = URL_SAFE[(bits >> (18 - 6 * place)) as usize & 63];
        }
    }
    id
}

const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;

    fn parts() -> LineageParts<'static> {
        LineageParts {
            host_id: "web-1",
            input_id: None,
            inode: 42,
            birth_ns: 7,
            first_line: b"{\"v\":0}",
            generation: 0,
        }
    }

    #[test]
    fn id_is_url_safe_base64_of_lineage_offset_and_checksum() {
        let lineage = Lineage([0xff, 0xfe, 0, 1, 2, 3]);
        let id = event_id(lineage, 0x01_0203_0405_0607, 0xdead_beef);
        let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id).unwrap();
        assert_eq!(raw, [0xff, 0xfe, 0, 1, 2, 3, 0x03, 0x04, 0x05, 0x06, 0x07, 0xde, 0xad, 0xbe, 0xef]);
    }

    #[test]
    fn every_part_changes_the_lineage() {
        let base = parts().lineage();
        assert_eq!(base, parts().lineage());
        assert_ne!(base, LineageParts { host_id: "web-2", ..parts() }.lineage());
        assert_ne!(base, LineageParts { input_id: Some("shop"), ..parts() }.lineage());
        assert_ne!(base, LineageParts { inode: 43, ..parts() }.lineage());
        assert_ne!(base, LineageParts { birth_ns: 8, ..parts() }.lineage());
        assert_ne!(base, LineageParts { first_line: b"{\"v\":1}", ..parts() }.lineage());
        assert_ne!(base, LineageParts { generation: 1, ..parts() }.lineage());
    }

    #[test]
    fn only_the_first_kibibyte_of_the_first_line_counts() {
        let mut long = vec![b'x'; FIRST_LINE_BYTES];
        let base = LineageParts { first_line: &long, ..parts() }.lineage();
        long.push(b'y');
        assert_eq!(base, LineageParts { first_line: &long, ..parts() }.lineage());
    }
}
