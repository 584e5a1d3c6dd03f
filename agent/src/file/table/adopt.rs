//! Copies: a newcomer whose text was read before, in a file that is gone, truncated or about to be.

use super::compare::{begins_with, has_prefix, has_tail, reaches, tail_at};
use super::identify::Newcomer;
use super::{Notice, Place, Table};
use crate::file::FileKey;
use crate::file::prefix::Mark;
use crate::file::source::Compression;
use crate::file::tailed::{FirstLineFacts, Identity, Standing};
use std::io;
use std::time::{Duration, Instant};

/// How long a possible copy waits for its original to be truncated.
const COPY_WAIT: Duration = Duration::from_secs(2);

/// The longest a copy that is still being written is waited for.
const COPY_WAIT_MAX: Duration = Duration::from_secs(30);

/// Most possible originals compared with one newcomer.
const MAX_CANDIDATES: usize = 64;

/// How a newcomer's text compares with what was read of another file.
enum Comparison {
    /// It has all of it, and perhaps more.
    HasAll,
    /// It is a little shorter, and the same as far as it goes.
    Shorter,
    Different,
}

/// What became of the search for an original among the files being read.
pub(super) enum Adoption {
    /// The newcomer goes on where the original ended.
    Done,
    /// It may be a copy of one that still stands.
    Wait,
    /// It is an older, shorter copy: all of it was read.
    Shorter,
    No,
}

impl Table {
    /// Continues a generation whose file is gone, if the newcomer holds all that was settled of it.
    pub(super) fn adopt_remembered(
        &mut self,
        newcomer: &Newcomer,
        wanted: impl Fn(&Mark) -> bool,
    ) -> io::Result<bool> {
        let identity = &self.settings.inputs[self.files[&newcomer.key].input].identity;
        let mut places: Vec<usize> = (0..self.remembered.len())
            .filter(|place| {
                let record = &self.remembered[*place];
                record.input == *identity
                    && wanted(&record.mark)
                    && record.first_line.matches(&newcomer.first_line)
            })
            .take(MAX_CANDIDATES)
            .collect();
        places.sort_by_key(|place| std::cmp::Reverse(self.remembered[*place].mark.offset));
        for place in places {
            let (mark, settled) = (self.remembered[place].mark, self.remembered[place].settled);
            let Some(source) = self.handles.get(newcomer.key) else { return Ok(false) };
            // Nothing settled, but perhaps sent: then the first line alone tells, and the same ids absorb what is there.
            if !has_tail(source, &mark)? || !has_prefix(source, &mark)? || !reaches(source, settled)? {
                continue;
            }
            let tail = tail_at(source, settled)?;
            let record = self.remembered.take(place);
            self.resume(newcomer.key, &record, tail);
            if let Some(file) = self.files.get_mut(&newcomer.key) {
                file.rotated = true;
                self.notices.push(Notice::Adopted { path: file.path.to_path_buf(), offset: record.settled });
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Continues a generation that is being read, if its file was truncated, overwritten or deleted meanwhile.
    pub(super) fn adopt_live(&mut self, newcomer: &Newcomer, now: Instant) -> io::Result<Adoption> {
        let facts = FirstLineFacts::of(&newcomer.first_line);
        let input = self.files[&newcomer.key].input;
        let appeared_later = self.files[&newcomer.key].fresh_from == 0;
        let candidates: Vec<FileKey> = self
            .files
            .values()
            .filter(|file| file.key != newcomer.key && file.input == input)
            // Before anything was read, files of the same first line are many, and a copy made just then is rare.
            .filter(|file| file.framed() > 0 || file.standing != Standing::Present || appeared_later)
            .filter(|file| file.known().is_some_and(|known| known.first_line == facts))
            .map(|file| file.key)
            .take(MAX_CANDIDATES)
            .collect();
        let mut answer = Adoption::No;
        for candidate in candidates {
            let deleted = matches!(self.files[&candidate].standing, Standing::Detached { deleted: true, .. });
            let gone = deleted || self.came_back_as(candidate, newcomer.key);
            if !gone && self.stands(candidate, now) {
                if self.may_be_copy_of(newcomer.key, candidate)? {
                    answer = Adoption::Wait;
                }
                continue;
            }
            match self.compare(newcomer.key, candidate)? {
                Comparison::HasAll => {
                    self.take_over(newcomer.key, candidate, now);
                    return Ok(Adoption::Done);
                }
                Comparison::Shorter => return Ok(Adoption::Shorter),
                Comparison::Different => {}
            }
        }
        Ok(answer)
    }

    /// Whether a file that is no longer there is under its path again, but on a file system with another device number.
    fn came_back_as(&self, original: FileKey, newcomer: FileKey) -> bool {
        let (original, newcomer) = (&self.files[&original], &self.files[&newcomer]);
        matches!(original.standing, Standing::Detached { .. })
            && original.path == newcomer.path
            && original.physical.device != newcomer.physical.device
            && original.physical.inode == newcomer.physical.inode
            && original.physical.birth_ns == newcomer.physical.birth_ns
    }

    /// Whether the text that was read of a file is still there.
    pub(super) fn stands(&mut self, key: FileKey, now: Instant) -> bool {
        match self.files[&key].standing {
            Standing::Overwritten { .. } | Standing::Missing { .. } => false,
            Standing::Present | Standing::Detached { .. } => {
                if self.open(key).is_err() {
                    return true;
                }
                let (framed, tail) = (self.files[&key].framed(), self.files[&key].tail);
                let Some(source) = self.handles.get(key) else { return true };
                if source.compression() != Compression::Plain {
                    return true;
                }
                let known = self.files[&key].known();
                // What cannot be read now is not rewritten.
                let there = tail_at(source, framed).map_or(true, |there| there == Some(tail))
                    && begins_with(source, known).unwrap_or(true);
                if !there {
                    self.overwrite(key, now);
                }
                there
            }
        }
    }

    /// Whether the newcomer is so far the same text as a file that still stands.
    fn may_be_copy_of(&mut self, newcomer: FileKey, original: FileKey) -> io::Result<bool> {
        let framed = self.files[&original].framed();
        let packed = self.files[&newcomer].compression != Compression::Plain;
        if framed > 0 && (packed || self.files[&newcomer].size >= framed) {
            return Ok(matches!(self.compare(newcomer, original)?, Comparison::HasAll));
        }
        if packed {
            return Ok(false);
        }
        let size = self.files[&newcomer].size.min(self.files[&original].size);
        let Some(source) = self.handles.get(newcomer) else { return Ok(false) };
        let tail = tail_at(source, size)?;
        let Some(source) = self.handles.get(original) else { return Ok(false) };
        Ok(tail.is_some() && tail == tail_at(source, size)?)
    }

    fn compare(&mut self, newcomer: FileKey, original: FileKey) -> io::Result<Comparison> {
        self.measure(newcomer);
        let here = self.files[&original].mark_here();
        let (framed, tail) = (self.files[&original].framed(), self.files[&original].tail);
        let size = self.files[&newcomer].size;
        let packed = self.files[&newcomer].compression != Compression::Plain;
        let Some(source) = self.handles.get(newcomer) else { return Ok(Comparison::Different) };
        if packed || size >= framed {
            let same = has_tail(source, &here)?
                && has_prefix(source, &here)?
                && tail_at(source, framed)? == Some(tail);
            return Ok(if same { Comparison::HasAll } else { Comparison::Different });
        }
        let Some(mark) = self.files[&original].mark_before(size) else { return Ok(Comparison::Different) };
        Ok(match has_tail(source, &mark)? && has_prefix(source, &mark)? {
            true => Comparison::Shorter,
            false => Comparison::Different,
        })
    }

    /// Takes the size of a newcomer as it is now: a copy seen while it was written has grown since, and is whole before its
    /// original is truncated.
    fn measure(&mut self, key: FileKey) {
        let Some(facts) = self.handles.get(key).and_then(|source| source.facts().ok()) else { return };
        if let Some(file) = self.files.get_mut(&key) {
            file.size = facts.len();
        }
    }

    /// The file of `newcomer` becomes the file of `original`, whose own text is gone.
    fn take_over(&mut self, newcomer: FileKey, original: FileKey, now: Instant) {
        let Some(copy) = self.files.remove(&newcomer) else { return };
        self.handles.close(newcomer);
        self.handles.close(original);
        let Some(file) = self.files.get_mut(&original) else { return };
        let before = Place::of(file);
        if self.by_physical.get(&before) == Some(&original) {
            self.by_physical.remove(&before);
        }
        let paths = &mut self.by_path[file.input];
        if paths.get(&file.path) == Some(&original) {
            paths.remove(&file.path);
        }
        file.path = copy.path;
        file.physical = copy.physical;
        file.compression = copy.compression;
        file.memory = copy.memory;
        file.size = copy.size;
        file.standing = Standing::Present;
        file.rotated = true;
        file.grown_at = now;
        file.unpacked = false;
        file.scanned = file.framed();
        self.by_physical.insert(Place::of(file), original);
        paths.insert(file.path.clone(), original);
        self.notices.push(Notice::Adopted { path: file.path.to_path_buf(), offset: file.framed() });
        self.enqueue(original);
    }

    pub(super) fn keeps_waiting(&mut self, key: FileKey, now: Instant) -> bool {
        let Some(file) = self.files.get_mut(&key) else { return false };
        let since = match file.identity {
            Identity::MaybeCopy { since } => since,
            _ => now,
        };
        file.identity = Identity::MaybeCopy { since };
        let waited = now - since;
        let still_written = now - file.grown_at < COPY_WAIT && waited < COPY_WAIT_MAX;
        waited < COPY_WAIT || (still_written && self.is_shorter_than_an_original(key))
    }

    fn is_shorter_than_an_original(&self, key: FileKey) -> bool {
        let size = self.files[&key].size;
        self.files.values().any(|file| file.key != key && file.known().is_some() && file.size > size)
    }
}
