//! What each processor does to a document, in words.

use super::{Entry, MAX_VALUES, Process, Step, Verdict, change, sample};
use crate::event::Fate;
use std::time::Instant;

impl Process {
    /// As [`Process::apply`], and says what was done; a processor that has nothing to do says nothing. What other events or
    /// the id of this one decide is said and taken for kept.
    pub(in crate::event) fn explain(&mut self, document: &mut Vec<u8>) -> (Fate, Vec<String>) {
        let Self { entries, tape, edited } = self;
        let mut told = Vec::new();
        tape.scan_within(document, MAX_VALUES).expect("the mapper writes sound documents");
        for Entry { step, .. } in entries {
            let nodes = tape.nodes();
            let (words, verdict) = match step {
                Step::RateLimit(limiter) => (Some(limiter.told()), Verdict::Kept(Vec::new())),
                Step::Sample(sample) if sample::is_chosen_by_id(sample, document, nodes) => (
                    Some(format!("one in {} such events goes on, chosen by its id", sample.one_in)),
                    Verdict::Kept(sample::record(sample.one_in, document, nodes)),
                ),
                _ => {
                    let verdict = step.act(document, nodes, b"", Instant::now());
                    (words(step, &verdict), verdict)
                }
            };
            told.extend(words.map(|words| format!("{}: {words}", step.name())));
            match verdict {
                Verdict::Kept(edits) => change(document, &edits, tape, edited),
                Verdict::Filtered => return (Fate::Filtered, told),
            }
        }
        (Fate::Kept, told)
    }
}

fn words(step: &Step, verdict: &Verdict) -> Option<String> {
    match (step, verdict) {
        (_, Verdict::Filtered) => Some("the event ends here, counted as filtered".to_owned()),
        (Step::Sample(_), _) => Some("this event goes on".to_owned()),
        (_, Verdict::Kept(edits)) if edits.is_empty() => None,
        (_, Verdict::Kept(edits)) => Some(format!("changed {} values", edits.len())),
    }
}
