//! The store on a double of a disk that counts calls, fails at any of them, and loses power at any of them.

use super::super::StateDirectory;
use super::super::model::tests::generation;
use super::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

fn checkpoint(number: u64) -> Checkpoint {
    Checkpoint { generations: vec![generation(number)], ..Checkpoint::default() }
}

fn number_of(loaded: &Loaded) -> Option<u64> {
    match loaded {
        Loaded::Found { checkpoint, .. } => Some(checkpoint.generations[0].inode - 1_000_000),
        _ => None,
    }
}

/// What the n-th call does instead of its work.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trouble {
    /// Fails once; a write leaves half of its bytes.
    Fails,
    /// Nothing from here on happens: the power is off.
    Freezes,
}

#[derive(Debug, Clone, Default)]
struct Content {
    written: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Put(String, usize),
    Drop(String),
}

/// A disk whose unsynced names and contents may or may not survive.
#[derive(Debug, Clone, Default)]
struct Disk {
    contents: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
    calls: Vec<String>,
    trouble: Option<(usize, Trouble)>,
}

impl Disk {
    fn call(&mut self, what: &str) -> io::Result<()> {
        self.calls.push(what.to_owned());
        match self.trouble {
            Some((at, Trouble::Fails)) if self.calls.len() == at => Err(io::ErrorKind::StorageFull.into()),
            Some((at, Trouble::Freezes)) if self.calls.len() >= at => Err(io::Error::other("no power")),
            _ => Ok(()),
        }
    }

    fn change(&mut self, change: NameChange) {
        apply(&mut self.names, &change);
        self.unsynced_names.push(change);
    }

    /// Every disk a power cut can leave: the name changes up to some point, and of unsynced contents nothing, zeros, half
    /// or all.
    fn after_power_cut(&self) -> Vec<Disk> {
        let mut disks = Vec::new();
        for changes in 0..=self.unsynced_names.len() {
            for rest in [Rest::Old, Rest::Zeros, Rest::Half, Rest::All] {
                let mut names = self.durable_names.clone();
                self.unsynced_names[..changes].iter().for_each(|change| apply(&mut names, change));
                let contents = self.contents.iter().map(|content| rest.of(content)).collect();
                disks.push(Disk { contents, durable_names: names.clone(), names, ..Disk::default() });
            }
        }
        disks
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Put(name, content) => {
            names.retain(|_, other| other != content);
            names.insert(name.clone(), *content);
        }
        NameChange::Drop(name) => {
            names.remove(name);
        }
    }
}

#[derive(Clone, Copy)]
enum Rest {
    Old,
    Zeros,
    Half,
    All,
}

impl Rest {
    fn of(self, content: &Content) -> Content {
        let written = &content.written;
        let left = match self {
            _ if content.durable == *written => written.clone(),
            Self::Old => content.durable.clone(),
            Self::Zeros => vec![0; written.len()],
            Self::Half => written[..written.len() / 2].to_vec(),
            Self::All => written.clone(),
        };
        Content { durable: left.clone(), written: left }
    }
}

#[derive(Debug, Clone, Default)]
struct Double(Rc<RefCell<Disk>>);

struct OpenFile {
    disk: Rc<RefCell<Disk>>,
    content: usize,
}

impl Double {
    fn on(disk: Disk) -> Self {
        Self(Rc::new(RefCell::new(disk)))
    }

    fn trouble(&self, at: usize, trouble: Trouble) {
        let mut disk = self.0.borrow_mut();
        disk.calls.clear();
        disk.trouble = Some((at, trouble));
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().calls)
    }
}

impl Storage for Double {
    type File = OpenFile;

    fn check(&self, _: &str) -> Result<(), StateError> {
        Ok(())
    }

    fn path_of(&self, name: &str) -> PathBuf {
        PathBuf::from("state").join(name)
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut disk = self.0.borrow_mut();
        disk.call("read")?;
        Ok(disk.names.get(name).map(|content| disk.contents[*content].written.clone()))
    }

    fn create(&mut self, name: &str) -> io::Result<OpenFile> {
        let mut disk = self.0.borrow_mut();
        disk.call("create")?;
        disk.contents.push(Content::default());
        let content = disk.contents.len() - 1;
        disk.change(NameChange::Put(name.to_owned(), content));
        Ok(OpenFile { disk: Rc::clone(&self.0), content })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.call("rename")?;
        let content = *disk.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        disk.change(NameChange::Put(to.to_owned(), content));
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.call("remove")?;
        disk.change(NameChange::Drop(name.to_owned()));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.call("sync directory")?;
        disk.durable_names = disk.names.clone();
        disk.unsynced_names.clear();
        Ok(())
    }

    fn names(&mut self) -> io::Result<Vec<String>> {
        Ok(self.0.borrow().names.keys().cloned().collect())
    }
}

impl StorageFile for OpenFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk.borrow_mut();
        let result = disk.call("write");
        let frozen = matches!(disk.trouble, Some((_, Trouble::Freezes)));
        let written = match &result {
            Ok(()) => bytes,
            Err(_) if frozen => &[],
            Err(_) => &bytes[..bytes.len() / 2],
        };
        disk.contents[self.content].written.extend_from_slice(written);
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.disk.borrow_mut();
        disk.call("sync file")?;
        let content = &mut disk.contents[self.content];
        content.durable = content.written.clone();
        Ok(())
    }
}

/// A double on which checkpoints 1 to `saves` have been saved.
fn saved(saves: u64) -> (Double, Store<Double>) {
    let double = Double::default();
    let (mut store, loaded) = Store::open(double.clone()).unwrap();
    assert!(matches!(loaded, Loaded::Fresh));
    for number in 1..=saves {
        store.save(&checkpoint(number)).unwrap();
    }
    (double, store)
}

// P3: the order of the calls is the promise; Q44: an idle agent writes nothing.
#[test]
fn a_save_is_five_calls_and_an_idle_one_is_none() {
    let (double, mut store) = saved(3);
    double.calls();
    let written = store.save(&checkpoint(4)).unwrap();
    assert!(matches!(written, Saved::Written { sequence: 4, .. }));
    assert_eq!(double.calls(), ["create", "write", "sync file", "rename", "sync directory"]);
    assert_eq!(store.save(&checkpoint(4)).unwrap(), Saved::Unchanged);
    assert_eq!(double.calls(), [""; 0]);

    let (mut store, loaded) = Store::open(double.clone()).unwrap();
    assert_eq!(number_of(&loaded), Some(4));
    double.calls();
    assert_eq!(store.save(&checkpoint(4)).unwrap(), Saved::Unchanged, "also across a restart");
    assert_eq!(double.calls(), [""; 0]);
}

// Q01, Q03: at every call, and every state of the disk it can leave.
#[test]
fn power_lost_at_any_call_leaves_the_old_or_the_new_checkpoint() {
    for saves in 0..5 {
        for at in 1..=6 {
            let (double, mut store) = saved(saves);
            double.trouble(at, Trouble::Freezes);
            let outcome = store.save(&checkpoint(saves + 1));
            assert_eq!(outcome.is_ok(), at == 6, "the save has five calls");
            for (variant, disk) in double.0.borrow().after_power_cut().into_iter().enumerate() {
                let told = format!("{saves} saves, power lost at call {at}, variant {variant}: {disk:?}");
                let (mut store, loaded) = Store::open(Double::on(disk.clone())).unwrap();
                let found = number_of(&loaded).unwrap_or(0);
                let old = if outcome.is_ok() { saves + 1 } else { saves };
                assert!(found == old || found == saves + 1, "found {found}: {told}");
                assert!(!matches!(loaded, Loaded::Lost { .. }), "{told}");
                continues(&mut store, &told);
            }
        }
    }
}

fn continues(store: &mut Store<Double>, told: &str) {
    for number in 50..53 {
        store.save(&checkpoint(number)).unwrap();
        let (_, loaded) = Store::open(store.storage.clone()).unwrap();
        assert_eq!(number_of(&loaded), Some(number), "{told}");
    }
}

// Q29, Q31: a full disk at each call is a value; the next try goes through, and a power cut between the two is survived.
#[test]
fn a_call_that_fails_is_made_good_by_the_next_save() {
    for saves in 0..5 {
        for at in 1..=5 {
            let (double, mut store) = saved(saves);
            double.trouble(at, Trouble::Fails);
            let error = store.save(&checkpoint(saves + 1)).unwrap_err();
            assert!(error.to_string().contains("state/checkpoint.tmp"), "{error}");
            for disk in double.0.borrow().after_power_cut() {
                let found = number_of(&Store::open(Double::on(disk)).unwrap().1).unwrap_or(0);
                assert!(found == saves || found == saves + 1, "failure at call {at}");
            }
            store.save(&checkpoint(saves + 1)).unwrap();
            for disk in double.0.borrow().after_power_cut() {
                let found = number_of(&Store::open(Double::on(disk)).unwrap().1);
                assert_eq!(found, Some(saves + 1), "failure at call {at}");
            }
        }
    }
}

// A try that failed at its last call may be what a restart finds, so going back to the content before must be written too.
#[test]
fn after_a_failed_save_the_content_saved_before_is_written_again() {
    let (double, mut store) = saved(2);
    double.trouble(5, Trouble::Fails);
    store.save(&checkpoint(3)).unwrap_err();
    assert!(matches!(store.save(&checkpoint(2)).unwrap(), Saved::Written { .. }));
    assert_eq!(number_of(&Store::open(double).unwrap().1), Some(2));
}

#[test]
fn a_failed_save_leaves_no_temporary_file() {
    let (double, mut store) = saved(2);
    double.trouble(2, Trouble::Fails);
    store.save(&checkpoint(3)).unwrap_err();
    assert_eq!(double.0.borrow().names.keys().collect::<Vec<_>>(), ["checkpoint.0", "checkpoint.1"]);
}

fn on_real_disk(saves: u64) -> (tempfile::TempDir, StateDirectory) {
    let temp = tempfile::tempdir().unwrap();
    let state = StateDirectory::open(temp.path()).unwrap();
    let (mut store, _) = state.checkpoints().unwrap();
    for number in 1..=saves {
        store.save(&checkpoint(number)).unwrap();
    }
    (temp, state)
}

const BAD: [(&str, &[u8]); 4] = [
    ("empty", b""),
    ("zeros", &[0; 4096]),
    ("text", b"{\"offset\": 17"),
    ("cut", b"blueoxCP\x01\0\0\0\x05\0\0\0\0\0\0\0"),
];

// Q21, P5: one bad slot falls back to the other and is kept aside.
#[test]
fn one_damaged_slot_falls_back_to_the_other() {
    for (what, bytes) in BAD {
        let (temp, state) = on_real_disk(4);
        std::fs::write(temp.path().join("checkpoint.0"), bytes).unwrap();
        let (mut store, loaded) = state.checkpoints().unwrap();
        assert_eq!(number_of(&loaded), Some(3), "{what}");
        let Loaded::Found { damage: Some(damage), .. } = loaded else { panic!("{what}: {loaded:?}") };
        assert_eq!(damage.path, temp.path().join("checkpoint.0"));
        assert_eq!(std::fs::read(damage.kept_as.unwrap()).unwrap(), bytes);
        store.save(&checkpoint(9)).unwrap();
        let (_, loaded) = state.checkpoints().unwrap();
        assert_eq!(number_of(&loaded), Some(9), "{what}");
        assert!(matches!(loaded, Loaded::Found { damage: None, .. }), "{what}");
    }
}

#[test]
fn a_save_never_replaces_the_newest_slot_also_after_a_restart() {
    for saves in 1..4 {
        let (temp, state) = on_real_disk(saves);
        state.checkpoints().unwrap().0.save(&checkpoint(saves + 1)).unwrap();
        let newest = SLOTS[(saves as usize + 1) % 2];
        std::fs::write(temp.path().join(newest), "damage").unwrap();
        assert_eq!(number_of(&state.checkpoints().unwrap().1), Some(saves));
    }
}

// Q21, P5: two bad slots are a loss that is told, never a fresh start, and what they held is kept.
#[test]
fn two_damaged_slots_are_lost_and_not_fresh() {
    for (what, bytes) in BAD {
        let (temp, state) = on_real_disk(4);
        for slot in SLOTS {
            std::fs::write(temp.path().join(slot), bytes).unwrap();
        }
        let (mut store, loaded) = state.checkpoints().unwrap();
        let Loaded::Lost { damage } = loaded else { panic!("{what}: {loaded:?}") };
        assert_eq!(damage.len(), 2);
        for damage in &damage {
            assert_eq!(std::fs::read(damage.kept_as.as_ref().unwrap()).unwrap(), bytes);
        }
        store.save(&checkpoint(1)).unwrap();
        assert_eq!(number_of(&state.checkpoints().unwrap().1), Some(1), "{what}");
    }
}

// P5: also where the start that found the damage is cut short at any call, and the one after it, and the one after that.
#[test]
fn damage_never_turns_into_a_fresh_start_by_dying_early() {
    for at in 1..=8 {
        let (double, _) = saved(4);
        for content in &mut double.0.borrow_mut().contents {
            content.written = b"garbage".to_vec();
            content.durable = b"garbage".to_vec();
        }
        double.trouble(at, Trouble::Freezes);
        let _ = Store::open(double.clone());
        for disk in double.0.borrow().after_power_cut() {
            let double = Double::on(disk);
            for start in 0..3 {
                let (_, loaded) = Store::open(double.clone()).unwrap();
                assert!(
                    matches!(loaded, Loaded::Lost { .. }),
                    "power lost at call {at}, start {start}: {loaded:?}"
                );
            }
            let (mut store, _) = Store::open(double.clone()).unwrap();
            store.save(&checkpoint(7)).unwrap();
            assert_eq!(number_of(&Store::open(double).unwrap().1), Some(7));
        }
    }
}

// P4, Q20: what is set aside stays bounded, and foreign files are left alone.
#[test]
fn damaged_files_kept_aside_are_bounded() {
    let (temp, state) = on_real_disk(1);
    std::fs::write(temp.path().join("damaged-notes.txt"), "mine").unwrap();
    for round in 0..3 * MAX_DAMAGED {
        std::fs::write(temp.path().join(SLOTS[round % 2]), format!("round {round}")).unwrap();
        state.checkpoints().unwrap();
    }
    let names: Vec<String> = std::fs::read_dir(temp.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(DAMAGED))
        .collect();
    assert_eq!(names.len(), MAX_DAMAGED + 1, "{names:?}");
    let last = format!("{DAMAGED}{}", 3 * MAX_DAMAGED);
    assert_eq!(std::fs::read(temp.path().join(last)).unwrap(), b"round 23");
}

// Q23.
#[test]
fn a_newer_version_is_refused_with_both_versions_and_the_remedy() {
    let (temp, state) = on_real_disk(2);
    let slot = temp.path().join("checkpoint.0");
    let mut bytes = std::fs::read(&slot).unwrap();
    bytes[8] = 200;
    let end = bytes.len() - 4;
    let crc = crc32fast::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&slot, &bytes).unwrap();
    let text = state.checkpoints().unwrap_err().to_string();
    for part in
        ["checkpoint.0", "version 200", "up to 1", "start the newer agent again", "move the file away"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(std::fs::read(&slot).unwrap(), bytes, "it is left where it is");
}

// Q49: order is by sequence; times of files play no part.
#[test]
fn the_highest_sequence_wins_whatever_the_clock() {
    let (temp, state) = on_real_disk(5);
    let newest = std::fs::File::options().write(true).open(temp.path().join("checkpoint.1")).unwrap();
    newest.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(number_of(&state.checkpoints().unwrap().1), Some(5));
}
