//! Which ids an index holds: the check behind every `create`.
//!
//! Newest ids are in memory; [`IdSet::flush`] sorts them into a *run*, a file of 16-byte entries in order of key. A
//! look-up goes through memory and then the runs, newest first. Runs are merged when eight of about one size have come
//! together, so their number stays logarithmic. The last byte of an entry is the tail of its key (0 or 1) with the top
//! bit set where the document was deleted.
//!
//! Keys of the agent ascend with the offsets of their file, so a request's keys, sorted, meet neighbouring entries; no
//! filter is needed in front of the runs.

mod run;

use crate::document::DocKey;
use run::Run;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use tantivy::directory::{Directory, MmapDirectory};

/// What is known of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A document has it.
    Alive,
    /// A document had it.
    Deleted,
}

const MERGE_WIDTH: usize = 8;

/// The ids of one index.
pub struct IdSet {
    root: PathBuf,
    folder: MmapDirectory,
    recent: HashMap<DocKey, State>,
    /// Newest last.
    runs: Vec<Run>,
    next_number: u64,
}

impl IdSet {
    /// Opens the runs in `folder`; damaged ones are named in the error.
    pub fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == run::PART) {
                std::fs::remove_file(&path)?;
            }
            let name = path.file_name().and_then(|name| name.to_str());
            numbers.extend(name.and_then(run::number_of));
        }
        numbers.sort_unstable();
        let directory = MmapDirectory::open(folder).map_err(io::Error::other)?;
        let mut runs: Vec<Run> = Vec::new();
        for number in &numbers {
            let run = Run::open(&directory, *number)?;
            // A merged run covers its parts; parts still there are from a stop between writing and removing.
            runs.retain(|known| !run.covers(known.number()));
            runs.push(run);
        }
        let set = Self {
            root: folder.to_owned(),
            folder: directory,
            recent: HashMap::new(),
            runs,
            next_number: numbers.last().map_or(1, |n| n + 1),
        };
        set.remove_covered(&numbers);
        Ok(set)
    }

    fn remove_covered(&self, numbers: &[u64]) {
        for number in numbers.iter().filter(|number| !self.runs.iter().any(|run| run.number() == **number)) {
            let _ = self.folder.delete(&run::path_of(*number));
        }
    }

    /// What is known of each key, in their order.
    pub fn look_up(&self, keys: &[DocKey]) -> Vec<Option<State>> {
        let mut found: Vec<Option<State>> = keys.iter().map(|key| self.recent.get(key).copied()).collect();
        let mut order: Vec<u32> = (0..keys.len() as u32).filter(|at| found[*at as usize].is_none()).collect();
        order.sort_unstable_by_key(|at| keys[*at as usize]);
        for run in self.runs.iter().rev() {
            let mut from = 0;
            for at in &order {
                let (state, next) = run.look_up(keys[*at as usize], from);
                from = next;
                let slot = &mut found[*at as usize];
                *slot = slot.or(state);
            }
        }
        found
    }

    /// Notes a change; what memory said before is for [`Self::take_back`].
    pub fn note(&mut self, key: DocKey, state: State) -> Option<State> {
        self.recent.insert(key, state)
    }

    /// Takes a note back, because what it announced failed.
    pub fn take_back(&mut self, key: DocKey, before: Option<State>) {
        match before {
            Some(state) => self.recent.insert(key, state),
            None => self.recent.remove(&key),
        };
    }

    /// What memory says of a key; the runs are not asked.
    pub fn recent(&self, key: DocKey) -> Option<State> {
        self.recent.get(&key).copied()
    }

    /// Whether the newest state of a key is still in memory only.
    pub fn is_recent(&self, key: DocKey) -> bool {
        self.recent.contains_key(&key)
    }

    /// Ids in memory.
    pub fn recent_len(&self) -> usize {
        self.recent.len()
    }

    /// Writes `keys` (those whose documents are about to be committed) to a durable run, and merges where it is time.
    pub fn flush(&mut self, keys: &[DocKey]) -> io::Result<()> {
        let mut entries: Vec<u128> =
            keys.iter().filter_map(|key| Some(run::entry(*key, *self.recent.get(key)?))).collect();
        if entries.is_empty() {
            return Ok(());
        }
        entries.sort_unstable();
        entries.dedup();
        let number = self.next_number;
        self.next_number += 1;
        self.runs.push(Run::write(&self.root, &self.folder, number, number, entries.into_iter())?);
        for key in keys {
            self.recent.remove(key);
        }
        self.merge()
    }

    fn merge(&mut self) -> io::Result<()> {
        while let Some(from) = self.crowded() {
            let number = self.next_number;
            self.next_number += 1;
            let parts = &self.runs[from..];
            let merged = Run::write(&self.root, &self.folder, number, parts[0].number(), run::merged(parts))?;
            let old = self.runs.split_off(from);
            self.runs.push(merged);
            for run in old {
                let path = run::path_of(run.number());
                drop(run);
                self.folder.delete(&path).map_err(io::Error::other)?;
            }
        }
        Ok(())
    }

    /// Where the newest runs begin that together are worth one: eight of them within a factor of eight in size.
    fn crowded(&self) -> Option<usize> {
        let from = self.runs.len().checked_sub(MERGE_WIDTH)?;
        let newest = &self.runs[from..];
        let largest = newest.iter().map(Run::len).max()?;
        let rest: usize = newest.iter().map(Run::len).sum::<usize>() - largest;
        (largest <= rest * 2).then_some(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(number: u64) -> DocKey {
        DocKey::of(&format!("id-{number}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_set_knows_what_a_map_knows(steps in proptest::collection::vec((0u64..60, any::<bool>(), 0u8..6), 1..300)) {
            let folder = tempfile::tempdir().unwrap();
            let mut set = IdSet::open(folder.path()).unwrap();
            let mut model = HashMap::new();
            for (number, alive, action) in steps {
                let state = if alive { State::Alive } else { State::Deleted };
                set.note(key(number), state);
                model.insert(number, state);
                if action == 0 {
                    let recent: Vec<DocKey> = set.recent.keys().copied().collect();
                    set.flush(&recent).unwrap();
                }
                if action == 1 && set.recent_len() == 0 {
                    set = IdSet::open(folder.path()).unwrap();
                }
            }
            let keys: Vec<DocKey> = (0..60).map(key).collect();
            let expected: Vec<Option<State>> = (0..60).map(|number| model.get(&number).copied()).collect();
            prop_assert_eq!(set.look_up(&keys), expected);
        }
    }

    #[test]
    fn half_a_run_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut set = IdSet::open(folder.path()).unwrap();
        set.note(key(1), State::Alive);
        set.flush(&[key(1)]).unwrap();
        drop(set);
        let half = folder.path().join("0000000000000002.part");
        std::fs::write(&half, [0; 40]).unwrap();
        let set = IdSet::open(folder.path()).unwrap();
        assert_eq!(set.look_up(&[key(1), key(2)]), [Some(State::Alive), None]);
        assert!(!half.try_exists().unwrap());
    }

    #[test]
    fn flushed_ids_are_found_after_opening_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut set = IdSet::open(folder.path()).unwrap();
        for round in 0..40 {
            let keys: Vec<DocKey> = (0..50).map(|n| key(round * 50 + n)).collect();
            for key in &keys {
                set.note(*key, State::Alive);
            }
            set.flush(&keys).unwrap();
        }
        assert!(set.runs.len() < 16, "{} runs", set.runs.len());
        let set = IdSet::open(folder.path()).unwrap();
        let found = set.look_up(&(0..2_001).map(key).collect::<Vec<_>>());
        assert!(found[..2_000].iter().all(|state| *state == Some(State::Alive)));
        assert_eq!(found[2_000], None);
    }
}
