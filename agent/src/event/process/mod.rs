//! `processors`: what happens to a document before it is batched.
//!
//! They work on the bytes of the finished document: one scan finds its values, and only what a processor changes is written
//! anew. An agent without processors never comes here. `rename` is not among them; it acts on the keys of the line, while
//! the document is made, so that the new name gets a value of the right shape.

mod card;
mod condition;
mod edit;
mod rate_limit;
mod redact;
mod sample;
mod told;

use super::scan::{Node, Tape};
use crate::config::Processor;
use condition::holds;
use edit::Edit;
use rate_limit::Limiter;
use redact::Redactor;
use std::time::Instant;

/// Most values of a document: those of a line, and what the mapper adds.
const MAX_VALUES: usize = 2 * super::scan::MAX_NODES;

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Kept,
    /// A processor took it out; it counts as filtered.
    Filtered,
}

/// The configured processors, in their order.
#[derive(Debug)]
pub struct Process {
    entries: Vec<Entry>,
    tape: Tape,
    edited: Vec<u8>,
}

/// One of them.
#[derive(Debug)]
struct Entry {
    /// Its place in the configured list, from 1 on.
    number: usize,
    step: Step,
    /// Events that ended here.
    filtered: u64,
}

/// What one processor has taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filtered {
    /// Its place in the configured list, from 1 on.
    pub number: usize,
    /// `drop`, `keep`, `sample` or `rate_limit`.
    pub processor: &'static str,
    /// Events that ended there.
    pub events: u64,
}

#[derive(Debug)]
enum Step {
    Drop(crate::config::Condition),
    Keep(crate::config::Condition),
    Redact(Redactor),
    Sample(crate::config::Sample),
    RateLimit(Limiter),
}

impl Process {
    /// Of these processors; `None` where none of them acts on documents.
    pub fn new(processors: &[Processor]) -> Option<Self> {
        let entry = |(number, processor)| Some(Entry { number, step: step(processor)?, filtered: 0 });
        let entries: Vec<Entry> = (1..).zip(processors).filter_map(entry).collect();
        (!entries.is_empty()).then(|| Self { entries, tape: Tape::default(), edited: Vec::new() })
    }

    /// What each of those that can take events out has taken out so far.
    pub fn filtered(&self) -> impl Iterator<Item = Filtered> {
        let filters = self.entries.iter().filter(|entry| !matches!(entry.step, Step::Redact(_)));
        filters.map(|Entry { number, step, filtered }| Filtered {
            number: *number,
            processor: step.name(),
            events: *filtered,
        })
    }

    /// Lets all processors act on `document`, which the mapper has written. `id` decides which events a sample holds, so a
    /// line read again meets the same fate.
    pub fn apply(&mut self, document: &mut Vec<u8>, id: &[u8], now: Instant) -> Fate {
        let Self { entries, tape, edited } = self;
        tape.scan_within(document, MAX_VALUES).expect("the mapper writes sound documents");
        for entry in entries {
            let edits = match entry.step.act(document, tape.nodes(), id, now) {
                Verdict::Kept(edits) => edits,
                Verdict::Filtered => {
                    entry.filtered += 1;
                    return Fate::Filtered;
                }
            };
            change(document, &edits, tape, edited);
        }
        Fate::Kept
    }
}

fn change(document: &mut Vec<u8>, edits: &[Edit], tape: &mut Tape, edited: &mut Vec<u8>) {
    if !edits.is_empty() {
        edit::apply(edits, document, edited);
        std::mem::swap(document, edited);
        tape.scan_within(document, MAX_VALUES).expect("edits keep a document sound");
    }
}

/// What one processor decided.
enum Verdict {
    /// The event goes on with these changes.
    Kept(Vec<Edit>),
    /// It ends here.
    Filtered,
}

impl Step {
    #[inline]
    fn act(&mut self, document: &[u8], nodes: &[Node], id: &[u8], now: Instant) -> Verdict {
        let is_kept = match self {
            Self::Drop(condition) => !holds(condition, document, nodes),
            Self::Keep(condition) => holds(condition, document, nodes),
            Self::Redact(redactor) => return Verdict::Kept(redactor.edits(document, nodes)),
            Self::Sample(sample) => match sample::weigh(sample, document, nodes, id) {
                Some(rate) => return Verdict::Kept(sample::record(rate, document, nodes)),
                None => false,
            },
            Self::RateLimit(limiter) => limiter.admit(document, nodes, now),
        };
        if is_kept { Verdict::Kept(Vec::new()) } else { Verdict::Filtered }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Drop(_) => "drop",
            Self::Keep(_) => "keep",
            Self::Redact(_) => "redact",
            Self::Sample(_) => "sample",
            Self::RateLimit(_) => "rate_limit",
        }
    }
}

fn step(processor: &Processor) -> Option<Step> {
    Some(match processor {
        Processor::Drop(condition) => Step::Drop(condition.clone()),
        Processor::Keep(condition) => Step::Keep(condition.clone()),
        Processor::Redact(redact) => Step::Redact(Redactor::new(redact)),
        Processor::Sample(sample) => Step::Sample(*sample),
        Processor::RateLimit(limit) => Step::RateLimit(Limiter::new(limit.clone())),
        Processor::Rename { .. } => return None,
    })
}

#[cfg(test)]
mod tests;
