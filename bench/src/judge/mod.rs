//! Compares what was written with what is stored.
//!
//! It knows the ledger (who wrote how many lines from which seed) and the stored documents, nothing of the way between.

mod cluster;
mod verdict;

pub use cluster::Cluster;
pub use verdict::Verdict;

use crate::journal;
use crate::ledger::Entry;
use crate::line::{Facts, Mark, Origin};
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::path::Path;
use verdict::Finding;

/// Takes documents one by one, then judges.
#[derive(Debug)]
pub struct Judge {
    writers: BTreeMap<u32, Written>,
    documents: u64,
    altered: Finding,
    invented: Finding,
}

/// What one writer wrote, and how often each line was met.
#[derive(Debug)]
struct Written {
    origin: Origin,
    /// `met[sequence]`: `None` where the ledger does not have the line.
    met: Vec<Option<u8>>,
}

impl Judge {
    /// A judge for the lines of `ledger`. Fails where one writer has two seeds or formats.
    pub fn new(ledger: &[Entry]) -> Result<Self> {
        let mut writers: BTreeMap<u32, Written> = BTreeMap::new();
        for entry in ledger {
            let origin = entry.origin;
            let written = writers.entry(origin.writer).or_insert_with(|| Written { origin, met: Vec::new() });
            if written.origin != origin {
                bail!(
                    "the ledger has two kinds of writer {}: {:?} and {origin:?}",
                    origin.writer,
                    written.origin
                );
            }
            let (first, end) = (entry.first as usize, entry.end as usize);
            if written.met.len() < end {
                written.met.resize(end, None);
            }
            written.met[first..end].fill(Some(0));
        }
        Ok(Self { writers, documents: 0, altered: Finding::default(), invented: Finding::default() })
    }

    /// Takes a stored document; `name` is its index and id, for the report.
    pub fn take(&mut self, name: &str, source: &str) {
        self.documents += 1;
        let mark = Mark::find(source.as_bytes());
        let line = mark.and_then(|mark| self.writers.get_mut(&mark.writer)?.line(mark));
        let (Some(mark), Some((origin, met))) = (mark, line) else {
            self.invented.add(|| format!("{name}: {}", excerpt(source)));
            return;
        };
        *met = met.saturating_add(1);
        let document = serde_json::from_str(source).unwrap_or_default();
        if !Facts::of(origin, mark.sequence).hold_in(&document) {
            self.altered.add(|| format!("{mark} in {name}: {}", excerpt(source)));
        }
    }

    /// The verdict over all documents taken.
    pub fn verdict(self) -> Verdict {
        let (mut lost, mut doubled) = (Finding::default(), Finding::default());
        let mut written = 0;
        for writer in self.writers.values() {
            for (sequence, met) in (0u64..).zip(&writer.met) {
                let Some(met) = met else { continue };
                written += 1;
                let mark = || Mark::of(writer.origin, sequence);
                match met {
                    0 => lost.add(|| mark().to_string()),
                    1 => {}
                    times => doubled.add(|| format!("{}, {times} times", mark())),
                }
            }
        }
        Verdict {
            written,
            documents: self.documents,
            lost,
            doubled,
            altered: self.altered,
            invented: self.invented,
        }
    }
}

impl Written {
    /// The counter of the line `mark` names, if this writer wrote that line.
    fn line(&mut self, mark: Mark) -> Option<(Origin, &mut u8)> {
        if Mark::of(self.origin, mark.sequence) != mark {
            return None;
        }
        let met = self.met.get_mut(usize::try_from(mark.sequence).ok()?)?.as_mut()?;
        Some((self.origin, met))
    }
}

/// Judges a journal.
pub fn of_journal(ledger: &[Entry], path: &Path) -> Result<Verdict> {
    let mut judge = Judge::new(ledger)?;
    journal::read(path, |stored| judge.take(&format!("{}/{}", stored.index, stored.id), stored.doc.get()))?;
    Ok(judge.verdict())
}

/// Judges what `index` of a running cluster holds.
pub fn of_cluster(ledger: &[Entry], cluster: &Cluster, index: &str) -> Result<Verdict> {
    let mut judge = Judge::new(ledger)?;
    cluster.each(index, |name, source| judge.take(name, source))?;
    Ok(judge.verdict())
}

fn excerpt(source: &str) -> String {
    source.chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{Format, LineMaker};

    const ORIGIN: Origin = Origin { seed: 9, writer: 4, format: Format::Tracing };
    const LEDGER: [Entry; 1] = [Entry { origin: ORIGIN, first: 0, end: 100 }];

    fn document(sequence: u64) -> String {
        let mut out = Vec::new();
        LineMaker::new(ORIGIN).append(&mut out, sequence, 0);
        String::from_utf8(out).expect("UTF-8").trim_end().to_owned()
    }

    fn judged(documents: impl IntoIterator<Item = String>) -> Verdict {
        let mut judge = Judge::new(&LEDGER).expect("ledger");
        documents.into_iter().for_each(|document| judge.take("i/1", &document));
        judge.verdict()
    }

    fn figures(verdict: &Verdict) -> [u64; 4] {
        [verdict.lost.count, verdict.doubled.count, verdict.altered.count, verdict.invented.count]
    }

    #[test]
    fn every_line_once_is_clean() {
        let verdict = judged((0..100).map(document));
        assert!(verdict.clean(), "{verdict}");
        assert_eq!((verdict.written, verdict.documents), (100, 100));
    }

    #[test]
    fn a_planted_loss_is_found() {
        let verdict = judged((0..100).filter(|&sequence| sequence != 41).map(document));
        assert_eq!(figures(&verdict), [1, 0, 0, 0]);
        assert_eq!(verdict.lost.samples, [Mark::of(ORIGIN, 41).to_string()]);
        assert!(!verdict.clean());
    }

    #[test]
    fn a_planted_double_is_found() {
        let verdict = judged((0..100).chain([7, 7]).map(document));
        assert_eq!(figures(&verdict), [0, 1, 0, 0]);
        assert!(!verdict.clean());
    }

    #[test]
    fn a_planted_alteration_is_found() {
        // Line 4 is the end of a request: status and address are facts of it.
        let status = document(4).replace(r#""http.status_code":2"#, r#""http.status_code":3"#);
        assert_ne!(status, document(4));
        let verdict = judged((0..100).filter(|&sequence| sequence != 4).map(document).chain([status]));
        assert_eq!(figures(&verdict), [0, 0, 1, 0], "{verdict}");

        let swapped = document(3).replace("EVENT] ", "EVENT] not ").replace(" ", "");
        let verdict = judged((0..100).filter(|&sequence| sequence != 3).map(document).chain([swapped]));
        assert_eq!(figures(&verdict), [0, 0, 1, 0], "{verdict}");
    }

    #[test]
    fn a_document_nobody_wrote_is_found() {
        let unmarked = r#"{"message":"hello"}"#.to_owned();
        let forged = document(3).replace("bench.4.3.", "bench.4.8.");
        let verdict = judged((0..100).map(document).chain([unmarked, forged, document(100)]));
        assert_eq!(figures(&verdict), [0, 0, 0, 3], "{verdict}");
    }

    #[test]
    fn a_mapped_document_is_recognized() {
        let line: serde_json::Value = serde_json::from_str(&document(4)).expect("JSON");
        let mapped = serde_json::json!({
            "message": "HTTP request", "http": { "request": { "id": line["request_id"] },
            "response": { "status_code": line["http.status_code"] } },
            "url": { "original": line["http.target"] }, "client": { "ip": line["http.client_ip"] },
            "labels": { "mark": line["mark"] }, "numeric_labels": { "seq": line["seq"] },
        });
        let rest = (0..100).filter(|&sequence| sequence != 4).map(document);
        let verdict = judged(rest.chain([mapped.to_string()]));
        assert!(verdict.clean(), "{verdict}");
    }

    #[test]
    fn ranges_of_one_writer_add_up_and_a_gap_between_them_was_never_written() {
        let ledger = [(0, 10), (20, 30)].map(|(first, end)| Entry { origin: ORIGIN, first, end });
        let mut judge = Judge::new(&ledger).expect("ledger");
        (0..10).chain(20..30).chain([15]).for_each(|sequence| judge.take("i/1", &document(sequence)));
        assert_eq!(figures(&judge.verdict()), [0, 0, 0, 1]);
    }
}
