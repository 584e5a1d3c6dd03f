//! Verdicts come home: accounts, ledger, dead letters, collisions.

use super::tailer::Tailer;
use crate::ack::Outcome;
use crate::ack::dead_letters::{DeadLetter, DeadLetters};
use crate::batch::Item;
use crate::checkpoint::Record;
use crate::file::identity::event_id;
use crate::file::tailed::Tailed;
use crate::file::{FileKey, Lineage};
use crate::output::{Fate, Refusal, Settlement};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Instant;
use tracing::{error, info, warn};

/// The key of events that come from no file: the agent's own.
pub(super) const OWN: FileKey = FileKey(u32::MAX);

/// Longest raw line kept in a dead letter.
const MAX_DOCUMENT: u64 = 1024 * 1024;

/// Where refused events go.
pub(super) enum DeadLetterBox {
    /// Into the state directory.
    Kept(DeadLetters),
    /// Reading once keeps no state: they are counted, reported, and the run fails.
    Reported,
}

fn settled_so_far(file: &Tailed) -> Option<Record> {
    let (lineage, settled) = (file.lineage()?, file.ledger.settled());
    Some(Record { lineage, settled, mark: file.settled_mark })
}

/// A refused event that is not on disk yet.
pub(super) struct Refused {
    index: Arc<str>,
    file: FileKey,
    lineage: Lineage,
    item: Item,
    refusal: Box<Refusal>,
}

impl Tailer {
    pub(super) fn settle(&mut self, settlement: Settlement) {
        self.progress_at = Instant::now();
        self.rested = false;
        self.saving.mark();
        if let Some(backing) = &settlement.backing_index {
            self.parts.intake.roll_over(&settlement.index, backing.clone());
        }
        let settled_in = if settlement.last { self.parts.intake.returned(&settlement.index) } else { None };
        if let Some(backing) = settled_in {
            self.saving.roll_over(&settlement.index, backing);
        }
        let files: Vec<FileKey> = match self.parts.journal {
            Some(_) => settlement.runs.iter().map(|run| run.file).collect(),
            None => Vec::new(),
        };
        match settlement.fates.is_empty() {
            true => self.settle_delivered(&settlement),
            false => self.settle_each(settlement),
        }
        self.retry_dead_letters();
        self.note_settled(&files);
    }

    /// Notes in the journal how far these files have settled.
    fn note_settled(&mut self, files: &[FileKey]) {
        let Some(journal) = &mut self.parts.journal else { return };
        let known = files.iter().filter_map(|key| self.parts.table.file(*key));
        let noted = known.filter_map(settled_so_far).try_for_each(|record| journal.note(&record));
        if let Err(error) = noted {
            let error = crate::telemetry::chain(&error);
            warn!(
                error,
                "cannot write the journal; a kill may repeat what was acknowledged after the last checkpoint"
            );
            self.parts.journal = None;
        }
    }

    /// The usual case: everything was stored.
    fn settle_delivered(&mut self, settlement: &Settlement) {
        let mut from = 0;
        for run in &settlement.runs {
            let items = &settlement.items[from..from + run.items as usize];
            from += run.items as usize;
            if run.file == OWN {
                continue;
            }
            self.parts.accounts.settle(Outcome::Delivered, items.len() as u64);
            let Some(file) = self.parts.table.file_mut(run.file) else { continue };
            file.in_flight = file.in_flight.saturating_sub(items.len() as u64);
            let mut rest = items;
            while let Some(first) = rest.first() {
                let touching = rest.windows(2).take_while(|pair| pair[0].end == pair[1].start).count();
                file.settle(first.start, rest[touching].end);
                rest = &rest[touching + 1..];
            }
        }
    }

    fn settle_each(&mut self, settlement: Settlement) {
        let Settlement { index, runs, items, fates, .. } = settlement;
        let mut each = items.into_iter().zip(fates);
        for run in &runs {
            for (item, fate) in each.by_ref().take(run.items as usize) {
                if run.file != OWN {
                    self.settle_one(&index, run.file, run.lineage, item, fate);
                }
            }
        }
    }

    fn settle_one(&mut self, index: &Arc<str>, key: FileKey, lineage: Lineage, item: Item, fate: Fate) {
        match fate {
            Fate::Delivered { failure_store } => {
                if failure_store {
                    self.parts.accounts.failure_store(1);
                }
                self.close(key, item, Outcome::Delivered);
            }
            Fate::Conflict { expected: true } | Fate::FoundBefore => {
                self.close(key, item, Outcome::Duplicate)
            }
            Fate::Conflict { expected: false } => self.collide(key, item),
            Fate::Refused(refusal) => {
                self.refused.push(Refused { index: index.clone(), file: key, lineage, item, refusal });
            }
        }
    }

    fn close(&mut self, key: FileKey, item: Item, outcome: Outcome) {
        self.parts.accounts.settle(outcome, 1);
        if let Some(file) = self.parts.table.file_mut(key) {
            file.in_flight = file.in_flight.saturating_sub(1);
            file.settle(item.start, item.end);
        }
    }

    /// The id is taken by another event: this one goes again, under a new generation.
    fn collide(&mut self, key: FileKey, item: Item) {
        self.parts.accounts.id_collisions(1);
        self.parts.accounts.take_back(1);
        let Some(file) = self.parts.table.file_mut(key) else { return };
        file.in_flight = file.in_flight.saturating_sub(1);
        file.collided = true;
        if self.collided.insert(key) {
            warn!(
                file = %file.path.display(),
                offset = item.start,
                "id of an event is taken by another one, sending this file's rest under a new generation"
            );
        }
    }

    /// Begins the new generation of files of which nothing is under way any more.
    pub(super) fn regenerate_collided(&mut self) {
        let quiet: Vec<FileKey> = self
            .collided
            .iter()
            .copied()
            .filter(|key| self.parts.table.file(*key).is_none_or(|file| file.in_flight == 0))
            .collect();
        for key in quiet {
            self.parts.table.regenerate(key);
            if self.parts.table.file(key).is_none_or(|file| !file.collided) {
                self.collided.remove(&key);
                self.saving.mark();
            }
        }
    }

    /// Writes refused events to disk; only then they settle. While that fails no batch leaves.
    pub(super) fn retry_dead_letters(&mut self) {
        if self.refused.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.refused);
        let letters: Vec<DeadLetter> = waiting.iter().map(|refused| self.letter(refused)).collect();
        let written = match &mut self.parts.dead_letters {
            DeadLetterBox::Reported => {
                for letter in &letters {
                    error!(
                        file = %letter.file, offset = letter.offset, status = letter.status, kind = %letter.kind,
                        reason = %letter.reason, "event was refused"
                    );
                }
                Ok(())
            }
            DeadLetterBox::Kept(kept) => kept.append(&letters),
        };
        match written {
            Ok(()) => {
                if std::mem::take(&mut self.parts.intake.blocked) {
                    info!("dead letters can be written again");
                }
                for refused in waiting {
                    self.close(refused.file, refused.item, Outcome::DeadLettered);
                }
                self.saving.mark();
            }
            Err(problem) => {
                if !std::mem::replace(&mut self.parts.intake.blocked, true) {
                    error!(error = %crate::telemetry::chain(&problem), "dead letters cannot be written, nothing is sent until they can");
                }
                self.refused = waiting;
            }
        }
    }

    fn letter(&mut self, refused: &Refused) -> DeadLetter {
        let Refused { index, file, lineage, item, refusal } = refused;
        let id = event_id(*lineage, item.start, item.checksum);
        let path =
            self.parts.table.file(*file).map(|file| super::report::readable(&file.path)).unwrap_or_default();
        let letter = DeadLetter {
            time: Timestamp::now().to_string(),
            id: String::from_utf8_lossy(&id).into_owned(),
            index: index.to_string(),
            file: path,
            offset: item.start,
            status: refusal.status,
            kind: refusal.kind.clone(),
            reason: refusal.reason.clone(),
            document: String::new(),
            document_base64: None,
        };
        letter.with_document(&self.raw_line(*file, item))
    }

    /// The line as it lies in the file, which is kept until its events settle.
    fn raw_line(&mut self, key: FileKey, item: &Item) -> Vec<u8> {
        if self.parts.table.open(key).is_err() {
            return Vec::new();
        }
        let Some((_, source)) = self.parts.table.pair(key) else { return Vec::new() };
        let mut line = vec![0; (item.end - item.start).min(MAX_DOCUMENT) as usize];
        let count = source.read_at(&mut line, item.start).unwrap_or(0);
        line.truncate(count);
        let end = line.strip_suffix(b"\n").map_or(&line[..], crate::line::without_carriage_return).len();
        line.truncate(end);
        line
    }
}
