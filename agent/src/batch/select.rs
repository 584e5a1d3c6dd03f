//! Some items of a batch, as a batch or a settlement of their own.

use super::compress::{Compressor, inflate};
use super::open::extend_runs;
use super::{Batch, Body, Item, Run};
use crate::file::identity::{ID_LEN, event_id};
use bytes::Bytes;
use std::sync::Arc;

impl Batch {
    /// The body before compression. Costs an inflation unless it is plain.
    pub fn raw(&self) -> Bytes {
        inflate(&self.body, self.raw_len)
    }

    /// Ids of the items, in order.
    pub fn ids(&self) -> impl Iterator<Item = [u8; ID_LEN]> + '_ {
        self.origins().zip(&self.items).map(|(run, item)| event_id(run.lineage, item.start, item.checksum))
    }

    /// Length of an item's lines in the body before compression.
    pub fn item_len(&self, number: usize) -> u32 {
        let end = self.items.get(number + 1).map_or(self.end_of_items(), |next| next.body_start);
        end - self.items[number].body_start
    }

    fn end_of_items(&self) -> u32 {
        self.raw_len - self.form.tail().len() as u32
    }

    /// The items `numbers` (ascending) with the same documents, byte by byte, in a body of their own.
    pub fn select(&self, numbers: &[u32], compressor: &mut Compressor) -> Batch {
        if numbers.len() == self.items.len() {
            return self.clone();
        }
        let raw = self.raw();
        let (runs, mut items) = self.extract(numbers);
        let mut body = Vec::with_capacity(numbers.iter().map(|n| self.item_len(*n as usize) as usize).sum());
        for (item, number) in items.iter_mut().zip(numbers) {
            let start = item.body_start as usize;
            item.body_start = super::open::body_offset(&body);
            body.extend_from_slice(&raw[start..start + self.item_len(*number as usize) as usize]);
        }
        self.form.finish(&mut body, items.iter().map(|item| item.body_start));
        let raw_len = super::open::body_offset(&body);
        Batch {
            index: Arc::clone(&self.index),
            form: self.form,
            runs,
            items,
            raw_len,
            body: compressor.body(&body),
        }
    }

    /// The same items without compression, for a server that refuses gzip.
    pub fn plain(&self) -> Batch {
        Batch { body: Body::Plain(self.raw()), ..self.clone() }
    }

    /// The items `numbers` (ascending) and their runs.
    pub fn extract(&self, numbers: &[u32]) -> (Vec<Run>, Vec<Item>) {
        let mut runs = Vec::new();
        let mut items = Vec::with_capacity(numbers.len());
        let mut wanted = numbers.iter().copied().peekable();
        for (number, (run, item)) in (0u32..).zip(self.origins().zip(&self.items)) {
            if wanted.next_if_eq(&number).is_some() {
                extend_runs(&mut runs, run.file, run.lineage);
                items.push(*item);
            }
        }
        debug_assert!(wanted.next().is_none(), "item numbers ascend and exist");
        (runs, items)
    }

    /// The run of each item.
    fn origins(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().flat_map(|run| std::iter::repeat_n(run, run.items as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{EventMeta, Form, OpenBatch};
    use crate::file::{FileKey, Lineage};
    use proptest::prelude::*;

    fn sealed(documents: &[String], compressor: &mut Compressor) -> Batch {
        let mut batch = OpenBatch::new("i".into(), Form::Bulk, 1 << 20);
        for (number, document) in (0u64..).zip(documents) {
            let file = FileKey((number / 3) as u32);
            let lineage = Lineage([file.0 as u8; 6]);
            let meta =
                EventMeta { file, lineage, start: number, end: number + 1, checksum: 1, uncertain: false };
            batch.push(meta, |body| body.extend_from_slice(document.as_bytes()));
        }
        batch.seal(compressor)
    }

    proptest! {
        #[test]
        fn selected_items_keep_their_lines_runs_and_ids(
            documents in prop::collection::vec("[a-z]{0,40}", 1..30),
            chosen in prop::collection::vec(any::<bool>(), 30),
            level in 0u8..=9,
        ) {
            let mut compressor = Compressor::new(level);
            let batch = sealed(&documents, &mut compressor);
            let numbers: Vec<u32> = (0..documents.len() as u32).filter(|n| chosen[*n as usize]).collect();
            let part = batch.select(&numbers, &mut compressor);

            let ids: Vec<_> = batch.ids().collect();
            prop_assert_eq!(part.ids().collect::<Vec<_>>(), numbers.iter().map(|n| ids[*n as usize]).collect::<Vec<_>>());
            prop_assert_eq!(part.runs.iter().map(|run| run.items as usize).sum::<usize>(), numbers.len());
            let text = String::from_utf8(part.raw().to_vec()).unwrap();
            let lines: Vec<&str> = text.lines().skip(1).step_by(2).collect();
            prop_assert_eq!(lines, numbers.iter().map(|n| documents[*n as usize].as_str()).collect::<Vec<_>>());
            prop_assert_eq!(part.raw_len as usize, text.len());
        }

        #[test]
        fn selected_items_of_every_form_are_a_request_of_their_own(
            chosen in prop::collection::vec(any::<bool>(), 1..20),
            form in prop::sample::select(vec![Form::Documents, Form::Lumberjack, Form::Array]),
            level in 0u8..=2,
        ) {
            let mut compressor = Compressor::of_form(form, level);
            let numbers: Vec<u32> = (0u32..).zip(&chosen).filter(|(_, chosen)| **chosen).map(|(n, _)| n).collect();
            let write = |numbers: &mut dyn Iterator<Item = u32>, compressor: &mut Compressor| {
                let mut batch = OpenBatch::new("logs-app-default".into(), form, 1 << 20);
                for number in numbers {
                    let (file, lineage, start) = (FileKey(1), Lineage([1; 6]), u64::from(number));
                    let meta = EventMeta { file, lineage, start, end: start + 1, checksum: 1, uncertain: false };
                    batch.push(meta, |body| body.extend_from_slice(format!("{{\"n\":{number}}}").as_bytes()));
                }
                batch.seal(compressor)
            };
            let whole = write(&mut (0..chosen.len() as u32), &mut compressor);
            prop_assume!(!numbers.is_empty());
            let part = whole.select(&numbers, &mut compressor);
            let fresh = write(&mut numbers.iter().copied(), &mut compressor);
            prop_assert_eq!(part.raw(), fresh.raw());
            prop_assert_eq!(part.items, fresh.items);
        }
    }
}
