//! Golden bytes, damage of every kind, and any checkpoint there and back.

use super::super::model::tests::generation;
use super::*;
use proptest::prelude::*;

fn encoded(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(checkpoint, checkpoint.sequence, &mut bytes);
    bytes
}

/// What `tests/data/checkpoint/v1.checkpoint` holds.
fn sample() -> Checkpoint {
    let odd_name = OsString::from_vec(b"/var/log/caf\xe9.log".to_vec());
    Checkpoint {
        sequence: 77,
        inputs: vec![KnownInput { identity: "shop".into(), first_start_unix_s: 1_789_999_999 }],
        streams: vec![
            StreamState {
                index: "logs-app-default".into(),
                backing_index: Some(".ds-logs-app-default-2026.11.23-000001".into()),
                leftover_keys: vec!["cart_size".into(), "größe".into()],
            },
            StreamState { index: "plain".into(), backing_index: None, leftover_keys: Vec::new() },
        ],
        generations: vec![
            generation(1),
            Generation {
                path: PathBuf::from(odd_name),
                input: String::new(),
                compression: Compression::Zstd,
                state: FileState::Gone,
                first_line: FirstLine::default(),
                ranges: Vec::new(),
                forced_ends: Vec::new(),
                begin: u64::MAX,
                settled: u64::MAX,
                generation: u32::MAX,
                ..generation(2)
            },
        ],
    }
}

// Q23. A change that breaks this test needs a new version, not a new file.
#[test]
fn version_1_is_read_and_written_byte_for_byte() {
    let golden: &[u8] = include_bytes!("../../../tests/data/checkpoint/v1.checkpoint");
    assert_eq!(decode(golden).unwrap(), sample());
    assert_eq!(encoded(&sample()), golden);
}

// Q23: refused, not taken for damage.
#[test]
fn a_newer_version_is_told_from_damage() {
    let mut bytes = encoded(&sample());
    bytes[8..12].copy_from_slice(&9u32.to_le_bytes());
    assert_eq!(decode(&bytes), Err(FormatError::Damaged("the checksum differs")));
    reseal(&mut bytes);
    assert_eq!(decode(&bytes), Err(FormatError::NewerVersion { found: 9, newest: VERSION }));
}

fn reseal(bytes: &mut [u8]) {
    let end = bytes.len() - TRAILER;
    let crc = crc32fast::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.to_le_bytes());
}

// Q21, Q12: cut at every length.
#[test]
fn a_checkpoint_cut_anywhere_is_damaged() {
    let bytes = encoded(&sample());
    for cut in 0..bytes.len() {
        assert!(matches!(decode(&bytes[..cut]), Err(FormatError::Damaged(_))), "cut at {cut}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(decode(&longer).is_err());
    assert!(decode(&vec![0; bytes.len()]).is_err());
}

// Q15.
#[test]
fn a_flipped_bit_anywhere_is_found() {
    let bytes = encoded(&sample());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&flipped).is_err(), "bit {bit}");
    }
}

// Q16: lengths are checked against the bytes that are there, before anything is allocated for them.
#[test]
fn a_huge_length_under_a_sound_checksum_is_damage() {
    for place in HEADER..encoded(&sample()).len() - TRAILER - 10 {
        let mut bytes = encoded(&sample());
        bytes[place..place + 10].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        reseal(&mut bytes);
        let _ = decode(&bytes);
    }
    let mut content = Vec::new();
    put_varint(&mut content, u64::MAX);
    let mut reader = Reader { rest: &content };
    assert_eq!(reader.list(1, Reader::text), Err(FormatError::Damaged("a length exceeds the file")));
}

#[test]
fn only_the_first_ranges_are_kept() {
    let mut checkpoint = sample();
    checkpoint.generations.truncate(1);
    let settled = checkpoint.generations[0].settled;
    checkpoint.generations[0].ranges =
        (1..=100).map(|place| (settled + place * 10, settled + place * 10 + 5)).collect();
    let decoded = decode(&encoded(&checkpoint)).unwrap();
    assert_eq!(decoded.generations[0].ranges, checkpoint.generations[0].ranges[..MAX_RANGES]);
}

#[test]
fn the_sequence_is_no_part_of_the_content() {
    let newer = Checkpoint { sequence: 78, ..sample() };
    assert_eq!(content(&encoded(&sample())), content(&encoded(&newer)));
    let other = Checkpoint { streams: Vec::new(), ..sample() };
    assert_ne!(content(&encoded(&sample())), content(&encoded(&other)));
}

#[test]
fn the_smallest_generation_is_not_taken_for_a_false_length() {
    let smallest = Generation {
        path: PathBuf::new(),
        input: String::new(),
        device: 0,
        inode: 0,
        birth_ns: 0,
        first_line: FirstLine::default(),
        generation: 0,
        begin: 0,
        size_seen: 0,
        settled: 0,
        ranges: Vec::new(),
        mark: Mark::default(),
        forced_ends: Vec::new(),
        last_seen_unix_s: 0,
        ..generation(0)
    };
    let mut bytes = Vec::new();
    put_generation(&mut bytes, &smallest);
    assert_eq!(bytes.len(), MIN_GENERATION);
    let checkpoint = Checkpoint { generations: vec![smallest], ..Checkpoint::default() };
    assert_eq!(decode(&encoded(&checkpoint)).unwrap(), checkpoint);
}

fn ascending(most: usize) -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(0..u64::MAX / 2, 0..most).prop_map(|mut offsets| {
        offsets.sort_unstable();
        offsets
    })
}

fn any_generation() -> impl Strategy<Value = Generation> {
    let text = ("[a-zé]{0,8}", proptest::collection::vec(any::<u8>(), 0..40));
    let numbers = (any::<[u64; 8]>(), any::<(u32, u16, u128)>(), any::<[u8; 6]>());
    let facts = (any::<bool>(), any::<bool>(), 0u8..3);
    (text, numbers, facts, ascending(20), ascending(20)).prop_map(|(text, numbers, facts, offsets, ends)| {
        let ((input, path), (many, (generation, len, prefix), lineage)) = (text, numbers);
        let (complete, gone, compression) = facts;
        Generation {
            path: PathBuf::from(OsString::from_vec(path)),
            input,
            device: many[0],
            inode: many[1],
            birth_ns: many[2],
            first_line: FirstLine { hash: many[3], len, complete },
            generation,
            lineage: Lineage(lineage),
            begin: many[4],
            size_seen: many[5],
            settled: 0,
            ranges: offsets.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
            mark: Mark { offset: many[6], blocks: prefix, prefix, tail: many[7] },
            forced_ends: ends,
            compression: [Compression::Plain, Compression::Gzip, Compression::Zstd][usize::from(compression)],
            state: if gone { FileState::Gone } else { FileState::Live },
            last_seen_unix_s: many[0],
        }
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(sequence: u64, generations in proptest::collection::vec(any_generation(), 0..8)) {
        let checkpoint = Checkpoint { sequence, generations, ..sample() };
        prop_assert_eq!(decode(&encoded(&checkpoint)).unwrap(), checkpoint);
    }

    #[test]
    fn garbage_is_never_more_than_an_error(garbage in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut framed = Vec::from(*MAGIC);
        framed.extend_from_slice(&VERSION.to_le_bytes());
        framed.extend_from_slice(&1u64.to_le_bytes());
        framed.extend_from_slice(&(garbage.len() as u64).to_le_bytes());
        framed.extend_from_slice(&garbage);
        framed.extend_from_slice(&[0; TRAILER]);
        reseal(&mut framed);
        let _ = decode(&garbage);
        let _ = decode(&framed);
    }
}
