//! What has settled since the last checkpoint, for outputs that cannot tell a repeat.
//!
//! Elasticsearch refuses an id it has; whoever reads Lumberjack, HTTP, syslog or a file takes a repeat for one more event. A
//! checkpoint is synced to disk, so there is one a second, and a kill would send again what was acknowledged in between.
//! The journal takes a record whenever verdicts come, without a sync: what is written outlives the process, though not the
//! machine.
//!
//! # Layout
//!
//! The file `journal` is a ring of [`SLOTS`] records of [`RECORD`] bytes; the newest replaces the oldest. Numbers are
//! little-endian.
//!
//! | offset | size | |
//! | --- | --- | --- |
//! | 0 | 8 | lineage 6, zero 2 |
//! | 8 | 8 | settled offset |
//! | 16 | 48 | mark: offset 8, blocks 16, prefix 16, tail 8 |
//! | 64 | 8 | XXH3-64 of everything before, seeded with [`Boot`] and version |
//!
//! A record stands for itself: where a lineage has settled to, and how to recognise the text up to there, as a checkpoint says
//! it. Order, age and gaps play no part, for the settled offset of a lineage only grows and each offset was true when it
//! was written. So a record that is torn, zeroed, garbage or overwritten is one that is not there, and of a journal older
//! than the checkpoint nothing is taken. A text that began anew has another lineage.
//!
//! # What it survives, what it assumes
//!
//! A kill at any moment. Not a power cut: the log itself may then have lost what it held, so the seed of the checksum is the
//! number of this boot of the machine, and after another boot the checkpoint alone counts. Where the system tells no such
//! number there is no journal.
//!
//! At the start its records move the checkpoint up, which is stored before anything is read; then the journal is emptied.

use super::directory::Directory;
use super::model::{Checkpoint, Compression, Generation, Mark};
use crate::file::Lineage;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Records in the ring: many seconds of one file, and one of so many files.
const SLOTS: u64 = 1024;

/// Bytes of a record.
const RECORD: usize = 72;

/// Changes with the layout.
const VERSION: u64 = 1;

pub(super) const NAME: &str = "journal";

/// The number of this boot of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot(u64);

impl Boot {
    /// Of this machine; `None` where the system does not tell.
    pub fn now() -> Option<Self> {
        let id = std::fs::read("/proc/sys/kernel/random/boot_id").ok().filter(|id| id.len() >= 32)?;
        Some(Self(xxh3_64(&id)))
    }

    fn seed(self) -> u64 {
        self.0.wrapping_add(VERSION)
    }
}

/// How far one text has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The text.
    pub lineage: Lineage,
    /// Everything before has its verdict.
    pub settled: u64,
    /// The newest mark at or before that.
    pub mark: Mark,
}

impl Record {
    fn encode(&self, boot: Boot) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[..6].copy_from_slice(&self.lineage.0);
        bytes[8..16].copy_from_slice(&self.settled.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.mark.offset.to_le_bytes());
        bytes[24..40].copy_from_slice(&self.mark.blocks.to_le_bytes());
        bytes[40..56].copy_from_slice(&self.mark.prefix.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.mark.tail.to_le_bytes());
        let checksum = xxh3_64_with_seed(&bytes[..64], boot.seed());
        bytes[64..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// `None`: this is no record of this boot.
    fn decode(bytes: &[u8; RECORD], boot: Boot) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk::<8>()?;
        if u64::from_le_bytes(*checksum) != xxh3_64_with_seed(content, boot.seed()) {
            return None;
        }
        let number = |at: usize| content[at..].first_chunk().copied().map(u64::from_le_bytes);
        let wide = |at: usize| content[at..].first_chunk().copied().map(u128::from_le_bytes);
        let mark = Mark { offset: number(16)?, blocks: wide(24)?, prefix: wide(40)?, tail: number(56)? };
        let record = Self { lineage: Lineage(*content.first_chunk()?), settled: number(8)?, mark };
        (mark.offset <= record.settled).then_some(record)
    }
}

/// Moves the generations of `checkpoint` up to what `journal` says of them. Returns how many it moved.
fn fold(journal: &[u8], boot: Boot, checkpoint: &mut Checkpoint) -> usize {
    let (slots, _torn) = journal.as_chunks::<RECORD>();
    let mut newest: HashMap<[u8; 6], Record> = HashMap::new();
    for record in slots.iter().filter_map(|slot| Record::decode(slot, boot)) {
        let known = newest.entry(record.lineage.0).or_insert(record);
        if known.settled < record.settled {
            *known = record;
        }
    }
    let mut moved = 0;
    for generation in &mut checkpoint.generations {
        if let Some(record) = newest.get(&generation.lineage.0)
            && record.settled > generation.settled
        {
            move_up(generation, record);
            moved += 1;
        }
    }
    moved
}

fn move_up(generation: &mut Generation, record: &Record) {
    generation.settled = record.settled;
    generation.mark = record.mark;
    // What lies below the settled offset is part of it.
    generation.ranges.retain(|(_, end)| *end > record.settled);
    generation.ranges.iter_mut().for_each(|(start, _)| *start = (*start).max(record.settled));
    generation.forced_ends.retain(|end| *end > record.settled);
    if generation.compression == Compression::Plain {
        generation.size_seen = generation.size_seen.max(record.settled);
    }
}

/// The journal of a running agent.
#[derive(Debug)]
pub struct Journal {
    file: File,
    boot: Boot,
    next_slot: u64,
}

impl Journal {
    /// Opens the journal in `directory`. `None` where there can be none.
    pub fn open(directory: &Directory) -> io::Result<Option<Self>> {
        let Some(boot) = Boot::now() else { return Ok(None) };
        Ok(Some(Self { file: directory.open_or_create(NAME)?, boot, next_slot: 0 }))
    }

    /// Moves `checkpoint` up to what the run before has noted. Returns how many generations that were.
    pub fn fold_into(&self, checkpoint: &mut Checkpoint) -> io::Result<usize> {
        let mut bytes = Vec::new();
        (&self.file).take(SLOTS * RECORD as u64).read_to_end(&mut bytes)?;
        Ok(fold(&bytes, self.boot, checkpoint))
    }

    /// Forgets everything: a checkpoint on disk says it.
    pub fn clear(&mut self) -> io::Result<()> {
        self.next_slot = 0;
        self.file.set_len(0)
    }

    /// Notes how far a text has settled.
    pub fn note(&mut self, record: &Record) -> io::Result<()> {
        let slot = self.next_slot % SLOTS;
        self.file.write_all_at(&record.encode(self.boot), slot * RECORD as u64)?;
        self.next_slot = slot + 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::generation;
    use super::*;
    use proptest::prelude::*;

    const BOOT: Boot = Boot(7);

    fn record(lineage: u8, settled: u64) -> Record {
        let mark = Mark { offset: settled, blocks: 1 << 90, prefix: u128::from(settled), tail: !settled };
        Record { lineage: Lineage([1, 2, 3, 4, 5, lineage]), settled, mark }
    }

    fn bytes(records: &[Record]) -> Vec<u8> {
        records.iter().flat_map(|record| record.encode(BOOT)).collect()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { generations: vec![generation(1), generation(2)], ..Checkpoint::default() }
    }

    /// What `journal` makes of [`checkpoint`], whose generations have settled 65 000.
    fn folded(journal: &[u8], boot: Boot) -> (usize, Checkpoint) {
        let mut checkpoint = checkpoint();
        (fold(journal, boot, &mut checkpoint), checkpoint)
    }

    #[test]
    fn the_farthest_record_of_a_lineage_moves_its_generation_in_whatever_order() {
        let records = [record(1, 65_300), record(2, 80_000), record(1, 65_100), record(9, 90_000)];
        let (moved, found) = folded(&bytes(&records), BOOT);
        let mut expected = checkpoint();
        let first = &mut expected.generations[0];
        (first.settled, first.mark) = (65_300, record(1, 65_300).mark);
        (first.ranges, first.forced_ends) = (vec![(65_300, 65_400), (66_000, 69_000)], vec![69_000]);
        let second = &mut expected.generations[1];
        (second.settled, second.mark, second.size_seen) = (80_000, record(2, 80_000).mark, 80_000);
        (second.ranges, second.forced_ends) = (vec![], vec![]);
        assert_eq!((moved, found), (2, expected));
    }

    #[test]
    fn a_journal_older_than_the_checkpoint_changes_nothing() {
        let (moved, found) = folded(&bytes(&[record(1, 65_000), record(2, 3)]), BOOT);
        assert_eq!((moved, found), (0, checkpoint()));
    }

    #[test]
    fn a_text_that_began_anew_is_not_the_one_in_the_journal() {
        let mut began_anew = record(1, 80_000);
        began_anew.lineage.0[0] ^= 1;
        assert_eq!(folded(&bytes(&[began_anew]), BOOT).0, 0);
    }

    #[test]
    fn after_another_boot_the_checkpoint_alone_counts() {
        assert_eq!(folded(&bytes(&[record(1, 80_000)]), Boot(8)).0, 0);
    }

    #[test]
    fn every_torn_record_is_one_that_is_not_there() {
        let whole = bytes(&[record(1, 70_000)]);
        for at in 0..RECORD {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            assert_eq!(folded(&damaged, BOOT).0, 0, "byte {at}");
            assert_eq!(folded(&whole[..at], BOOT).0, 0, "cut at {at}");
            let zeros = [&whole[..at], &vec![0; RECORD - at]].concat();
            assert!(folded(&zeros, BOOT).0 == 0 || zeros == whole, "zeros from {at}");
        }
    }

    #[test]
    fn a_full_ring_holds_the_newest_and_an_emptied_one_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::open(temp.path()).unwrap();
        let mut journal = Journal::open(&directory).unwrap().expect("Linux tells its boot");
        for settled in 0..3 * SLOTS {
            journal.note(&record(1, 66_000 + settled)).unwrap();
        }
        let read = || {
            let mut checkpoint = checkpoint();
            Journal::open(&directory).unwrap().unwrap().fold_into(&mut checkpoint).unwrap();
            checkpoint.generations[0].settled
        };
        assert_eq!(read(), 66_000 + 3 * SLOTS - 1);
        assert!(std::fs::metadata(temp.path().join(NAME)).unwrap().len() <= SLOTS * RECORD as u64);
        journal.clear().unwrap();
        assert_eq!(read(), 65_000);
        journal.note(&record(1, 66_001)).unwrap();
        assert_eq!(read(), 66_001);
    }

    #[derive(Debug, Clone)]
    enum Happening {
        /// Verdicts for so many bytes of one of the two texts.
        Settles(usize, u64),
        Checkpoint,
        /// The process ends, the page cache stays.
        Kill,
        /// The machine ends: any of the bytes noted may be on disk or not.
        PowerCut(usize),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            8 => (0usize..2, 1u64..5_000).prop_map(|(text, bytes)| Happening::Settles(text, bytes)),
            2 => Just(Happening::Checkpoint),
            1 => Just(Happening::Kill),
            1 => any::<usize>().prop_map(Happening::PowerCut),
        ]
    }

    proptest! {
        /// After a kill nothing that had settled is sent again; after a power cut what the checkpoint does not hold; and never is
        /// anything taken for settled that is not.
        #[test]
        fn a_restart_finds_all_of_it_after_a_kill_and_the_checkpoint_after_a_power_cut(
            happenings in proptest::collection::vec(happening(), 1..200),
        ) {
            let mut boot = Boot(1);
            let (mut durable, mut journal) = (checkpoint(), Vec::<u8>::new());
            let mut settled = [65_000; 2];
            let stored = |durable: &Checkpoint| [durable.generations[0].settled, durable.generations[1].settled];
            for happening in happenings {
                match happening {
                    Happening::Settles(text, bytes) => {
                        settled[text] += bytes;
                        journal.extend_from_slice(&record(text as u8 + 1, settled[text]).encode(boot));
                    }
                    // Taken at another moment than the journal's records, which stay.
                    Happening::Checkpoint => (0..2).for_each(|text| durable.generations[text].settled = settled[text]),
                    Happening::Kill => {
                        fold(&journal, boot, &mut durable);
                        prop_assert_eq!(stored(&durable), settled);
                        journal.clear();
                    }
                    Happening::PowerCut(cut) => {
                        boot.0 += 1;
                        journal.truncate(cut % (journal.len() + 1));
                        let before = stored(&durable);
                        fold(&journal, boot, &mut durable);
                        prop_assert_eq!(stored(&durable), before);
                        settled = before;
                        journal.clear();
                    }
                }
            }
        }
    }
}
