//! What happens to each event of a batch after an answer: the policy of delivery.
//!
//! | answer | event |
//! | --- | --- |
//! | item 2xx | delivered |
//! | item 409 on `create` | conflict: expected where the event may have been sent before |
//! | item 429, 5xx | sent again, alone; after ten 500s while others pass: refused |
//! | item 400 | refused, unless [`STREAK`](super::health::STREAK) requests in a row got one 400 type for nine in ten items: index held |
//! | item with other 4xx | index held |
//! | request 413, 400 | halved down to the culprit, which is refused |
//! | request 429 | sent again; after [`PATIENCE`] in a row smaller, as it may exceed what the server admits at once |
//! | request 5xx, no or unreadable answer | sent again as uncertain; halved now and then, as it may be the size |
//! | request 3xx, other 4xx, a web page | index held |
//!
//! After a success the size doubles again. No I/O, no clock.

use super::answer::{Answer, End, Meaning, Unknown, Whole};
use super::bulk::{BulkAnswer, Failure};
use super::health::{Health, SizeLimit};
use super::text::one_line;
use crate::batch::{Batch, Item, Run};
use crate::output::backoff::Backoff;
use crate::output::{Fate, Refusal};
use std::collections::HashMap;
use std::time::Duration;

/// How often the server may refuse an item with 500 while others pass.
pub const MAX_REFUSALS: u32 = 10;

/// Failures in a row of one request before it is halved.
pub const PATIENCE: u32 = 3;

/// What an answer changes.
#[derive(Debug, PartialEq, Eq)]
pub struct Round {
    /// Events with a final fate.
    pub settled: Settled,
    /// What it says about the index.
    pub index: IndexNews,
    /// What to do next.
    pub step: Step,
}

/// Events with a final fate.
#[derive(Debug, PartialEq, Eq)]
pub enum Settled {
    /// The whole batch was stored by its first request.
    AllDelivered,
    /// Item numbers, ascending, and their fates.
    Some(Vec<(u32, Fate)>),
}

/// What an answer says about the index.
#[derive(Debug, PartialEq, Eq)]
pub enum IndexNews {
    /// Nothing.
    None,
    /// It takes documents.
    Works,
    /// It takes none now.
    Busy,
    /// It takes none until an operator acts. The text names cause and remedy.
    Hold(String),
}

/// What to do next with the batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// All items have their fate.
    Done,
    /// Send the next request as soon as host and index allow.
    Again,
    /// Wait first.
    Pause(Duration),
}

/// A batch on its way, and what is known of its items.
#[derive(Debug)]
pub struct Job {
    batch: Batch,
    /// Items to send next, ascending.
    now: Vec<u32>,
    /// Items refused for now, to be sent again after a pause.
    later: Vec<u32>,
    /// `now` holds items that no answer has named yet.
    fresh: bool,
    /// Most items in the next request.
    take: usize,
    /// Requests in a row that were throttled, and that got no usable answer.
    throttled: u32,
    lost: u32,
    refusals: HashMap<u32, u32>,
    /// Requests without answer for an item sent alone, and what the index had accepted at the last one.
    lost_alone: HashMap<u32, (u32, u64)>,
    pause: Backoff,
}

impl Job {
    /// A batch to be sent. `pause` is the pattern for items that are refused for now.
    pub fn new(batch: Batch, pause: Backoff) -> Self {
        let items = u32::try_from(batch.items.len()).expect("each item takes bytes of a body below 4 GiB");
        Self {
            batch,
            now: (0..items).collect(),
            later: Vec::new(),
            fresh: true,
            take: usize::MAX,
            throttled: 0,
            lost: 0,
            refusals: HashMap::new(),
            lost_alone: HashMap::new(),
            pause,
        }
    }

    /// The batch. Items that may have been sent before are marked uncertain.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Runs and items of the batch, once it is done.
    pub fn take_items(&mut self) -> (Vec<Run>, Vec<Item>) {
        debug_assert!(self.is_done());
        (std::mem::take(&mut self.batch.runs), std::mem::take(&mut self.batch.items))
    }

    /// Whether every item has its fate.
    pub fn is_done(&self) -> bool {
        self.now.is_empty() && self.later.is_empty()
    }

    /// The items of the next request.
    pub fn request(&self, limit: SizeLimit) -> &[u32] {
        let most = self.take.clamp(1, self.now.len().max(1)).min(self.now.len());
        let candidates = &self.now[..most];
        let Some(limit) = limit.below() else { return candidates };
        let mut size = 0u32;
        let fits = candidates.iter().take_while(|number| {
            size = size.saturating_add(self.batch.item_len(**number as usize));
            size < limit
        });
        &candidates[..fits.count().max(1).min(most)]
    }

    /// The first `sent` items to send.
    pub fn first(&self, sent: usize) -> &[u32] {
        &self.now[..sent]
    }

    /// Those of the next request that may have been sent before.
    pub fn uncertain(&self, sent: usize) -> Vec<u32> {
        self.now[..sent]
            .iter()
            .copied()
            .filter(|number| self.batch.items[*number as usize].uncertain)
            .collect()
    }

    /// These items (ascending) were found in an older backing index.
    pub fn found(&mut self, numbers: &[u32]) -> Vec<(u32, Fate)> {
        self.now.retain(|number| numbers.binary_search(number).is_err());
        self.refill();
        numbers.iter().map(|number| (*number, Fate::FoundBefore)).collect()
    }

    /// Takes the answer to a request of the first `sent` items.
    pub fn receive(
        &mut self,
        sent: usize,
        answer: Answer,
        health: &mut Health,
        limit: &mut SizeLimit,
    ) -> Round {
        match answer {
            Answer::Items(answer) => {
                limit.worked(self.raw_len(sent));
                self.receive_items(sent, &answer, health)
            }
            Answer::Whole(whole) => self.receive_whole(sent, &whole, health, limit),
            Answer::Unknown(unknown) => self.receive_unknown(sent, &unknown, health),
            Answer::NotSent(_) => Round::nothing(),
        }
    }

    fn receive_items(&mut self, sent: usize, answer: &BulkAnswer, health: &mut Health) -> Round {
        (self.throttled, self.lost) = (0, 0);
        self.take = self.take.saturating_mul(2);
        health.learn(sent, answer, self.fresh);
        if answer.failures.is_empty() && answer.failure_store.is_empty() && sent == self.batch.items.len() {
            self.now.clear();
            return Round { settled: Settled::AllDelivered, index: IndexNews::Works, step: Step::Done };
        }
        let numbers: Vec<u32> = self.now.drain(..sent).collect();
        let mut fates = Vec::with_capacity(sent);
        let mut hold = None;
        let mut failures = answer.failures.iter().peekable();
        let mut failure_store = answer.failure_store.iter().peekable();
        for (place, number) in (0u32..).zip(&numbers) {
            let verdict = match failures.next_if(|failure| failure.item == place) {
                Some(failure) => self.judge(*number, failure, health),
                None => {
                    let failure_store = failure_store.next_if_eq(&&place).is_some();
                    Verdict::Final(Fate::Delivered { failure_store })
                }
            };
            match verdict {
                Verdict::Final(fate) => fates.push((*number, fate)),
                Verdict::Later => self.later.push(*number),
                Verdict::Hold(reason) => {
                    self.later.push(*number);
                    hold.get_or_insert(reason);
                }
            }
        }
        let index = match hold {
            Some(reason) => IndexNews::Hold(reason),
            None if fates.is_empty() => IndexNews::Busy,
            None => IndexNews::Works,
        };
        let step = self.step_after(&index);
        Round { settled: Settled::Some(fates), index, step }
    }

    fn judge(&mut self, number: u32, failure: &Failure, health: &Health) -> Verdict {
        let item = &mut self.batch.items[number as usize];
        match failure.status {
            409 if failure.create => Verdict::Final(Fate::Conflict { expected: item.uncertain }),
            429 => Verdict::Later,
            status @ 500.. => {
                // It may be stored all the same, so a later 409 is no surprise.
                item.uncertain = true;
                if status == 500 && health.passing {
                    self.count_refusal(number, failure)
                } else {
                    Verdict::Later
                }
            }
            400 if health.is_broken_by(&failure.kind) => {
                Verdict::Hold(hold_text(&failure_text(failure), BROKEN_SET_UP))
            }
            400 => Verdict::Final(refused(failure.status, &failure.kind, &failure.reason)),
            status => Verdict::Hold(hold_text(&failure_text(failure), remedy(status, &failure.kind))),
        }
    }

    fn count_refusal(&mut self, number: u32, failure: &Failure) -> Verdict {
        let refusals = self.refusals.entry(number).or_default();
        *refusals += 1;
        if *refusals < MAX_REFUSALS {
            return Verdict::Later;
        }
        Verdict::Final(refused(failure.status, &failure.kind, &failure.reason))
    }

    fn step_after(&mut self, index: &IndexNews) -> Step {
        let pause = self.now.is_empty() && !self.later.is_empty() && *index == IndexNews::Works;
        if self.later.is_empty() {
            self.pause.reset();
        }
        self.refill();
        match self.is_done() {
            true => Step::Done,
            false if pause => Step::Pause(self.pause.next_delay()),
            false => Step::Again,
        }
    }

    fn refill(&mut self) {
        if self.now.is_empty() {
            self.now = std::mem::take(&mut self.later);
            self.fresh = false;
        }
    }

    fn receive_whole(
        &mut self,
        sent: usize,
        whole: &Whole,
        health: &mut Health,
        limit: &mut SizeLimit,
    ) -> Round {
        match whole.meaning() {
            Meaning::Throttled => {
                self.throttled += 1;
                if sent > 1 && (self.throttled > PATIENCE || limit.is_throttled()) {
                    limit.throttled(self.raw_len(sent));
                }
                Round::nothing()
            }
            Meaning::Failed => {
                self.mark_uncertain(sent);
                self.count_lost(sent, health, &whole.summary())
            }
            Meaning::Forbidden => {
                Round::hold(hold_text(&whole_text(whole), remedy(whole.status, &whole.kind)))
            }
            Meaning::TooLarge if sent > 1 => {
                limit.too_large(self.raw_len(sent));
                self.halve(sent);
                Round::nothing()
            }
            Meaning::Refused if sent > 1 => {
                self.halve(sent);
                Round::nothing()
            }
            Meaning::Refused if health.refused_alone(&whole.kind) => {
                Round::hold(hold_text(&whole.summary(), BROKEN_SET_UP))
            }
            Meaning::Refused => self.refuse_first(whole.status, &whole.kind, &whole.reason),
            Meaning::TooLarge => self.refuse_first(
                whole.status,
                "document_too_large",
                "the server takes no request of this size",
            ),
        }
    }

    fn receive_unknown(&mut self, sent: usize, unknown: &Unknown, health: &Health) -> Round {
        self.mark_uncertain(sent);
        match unknown.end {
            End::WebPage => Round::hold(hold_text(&unknown.detail, NOT_ELASTICSEARCH)),
            End::Closed | End::TimedOut | End::Unreadable => self.count_lost(sent, health, &unknown.detail),
        }
    }

    /// Servers close the connection on what they cannot take (a body over a limit, damaged gzip). So do servers in
    /// trouble: then halving does no harm, as the size doubles again with each success.
    fn count_lost(&mut self, sent: usize, health: &Health, detail: &str) -> Round {
        self.lost += 1;
        if sent > 1 {
            if self.lost.is_multiple_of(PATIENCE) {
                self.halve(sent);
            }
            return Round::nothing();
        }
        // In an outage nothing else is accepted between two losses, so only a culprit gets there.
        let (losses, accepted) = self.lost_alone.entry(self.now[0]).or_insert((0, health.accepted));
        if health.accepted > *accepted {
            (*losses, *accepted) = (*losses + 1, health.accepted);
        }
        if *losses < MAX_REFUSALS {
            return Round::nothing();
        }
        self.refuse_first(0, "no_answer", detail)
    }

    fn refuse_first(&mut self, status: u16, kind: &str, reason: &str) -> Round {
        let number = self.now.remove(0);
        self.take = usize::MAX;
        (self.throttled, self.lost) = (0, 0);
        self.refill();
        let step = if self.is_done() { Step::Done } else { Step::Again };
        Round {
            settled: Settled::Some(vec![(number, refused(status, kind, reason))]),
            index: IndexNews::Works,
            step,
        }
    }

    fn raw_len(&self, sent: usize) -> u32 {
        self.now[..sent].iter().map(|number| self.batch.item_len(*number as usize)).sum()
    }

    fn halve(&mut self, sent: usize) {
        self.take = sent.div_ceil(2);
    }

    fn mark_uncertain(&mut self, sent: usize) {
        for number in &self.now[..sent] {
            self.batch.items[*number as usize].uncertain = true;
        }
    }
}

enum Verdict {
    Final(Fate),
    Later,
    Hold(String),
}

impl Round {
    fn nothing() -> Self {
        Self { settled: Settled::Some(Vec::new()), index: IndexNews::None, step: Step::Again }
    }

    fn hold(reason: String) -> Self {
        Self { index: IndexNews::Hold(reason), ..Self::nothing() }
    }
}

fn refused(status: u16, kind: &str, reason: &str) -> Fate {
    Fate::Refused(Box::new(Refusal { status, kind: kind.into(), reason: reason.into() }))
}

fn failure_text(failure: &Failure) -> String {
    let Failure { status, kind, reason, .. } = failure;
    one_line(format!("status {status}, {kind}: {reason}").as_bytes())
}

fn whole_text(whole: &Whole) -> String {
    match &whole.location {
        Some(location) => format!("{}, redirect to {location}", whole.summary()),
        None => whole.summary(),
    }
}

fn hold_text(found: &str, remedy: &str) -> String {
    format!("{found}; {remedy}")
}

const BROKEN_SET_UP: &str = "nearly every document is refused like this: compare mapping, index template and ingest pipeline, \
                             `blueox setup --check` does";

const NOT_ELASTICSEARCH: &str = "this is not Elasticsearch: check scheme, port and path in `hosts`";

fn remedy(status: u16, kind: &str) -> &'static str {
    match status {
        300..=399 => "redirects are not followed: set `hosts` to where the server really is",
        401 => "check `api_key`, or `username` and `password`; the key may have expired",
        403 if kind == "cluster_block_exception" => {
            "lift the block (`index.blocks.*`) of the index or cluster"
        }
        403 => "give the user or API key the privileges `auto_configure` and `create_doc` on this index",
        404 => {
            "create the index, or allow that it is created (`action.auto_create_index`); check the path in `hosts`"
        }
        405 | 406 => NOT_ELASTICSEARCH,
        415 => "something on the way takes no gzip: set `compression: 0`",
        _ => "look into the log of the server or of the proxy before it",
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
