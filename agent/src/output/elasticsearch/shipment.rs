//! One batch, from its first request to the fate of its last item.

use super::answer::Answer;
use super::rollover::{self, Found, Where};
use super::shared::{Index, Shared, lock};
use super::verdict::{Job, Settled, Step};
use crate::batch::Batch;
use crate::file::identity::{ID_LEN, event_id};
use crate::output::{Fate, Settlement};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tracing::warn;

/// How often a look for a rollover is tried in vain before one request.
const MAX_LOOK_UP_FAILURES: u32 = 5;

/// Sends the batch until every item has its fate.
pub(super) async fn ship(shared: Arc<Shared>, batch: Batch) {
    if batch.items.is_empty() {
        return;
    }
    let index = shared.index(&batch.index);
    let before = match batch.items.iter().any(|item| item.uncertain) {
        true => shared.known.get(&*batch.index).cloned(),
        false => None,
    };
    let now = lock(&index.state).backing.clone().unwrap_or_default();
    let mut shipment = Shipment {
        shared: &shared,
        index: &index,
        job: Job::new(batch, shared.backoff()),
        before,
        now,
        in_doubt: false,
    };
    while let Some(step) = shipment.next_request().await {
        if let Step::Pause(pause) = step {
            tokio::time::sleep(pause).await;
        }
    }
}

struct Shipment<'a> {
    shared: &'a Shared,
    index: &'a Index,
    job: Job,
    /// Items may have been sent by an earlier run, when this was the backing index; empty where that run never learned it.
    before: Option<String>,
    /// The backing index when this run began to send the batch; empty where no answer has named it yet.
    now: String,
    /// A request of this run may have been carried out without its answer saying so.
    in_doubt: bool,
}

impl Shipment<'_> {
    /// One request and its answer. `None` once the batch is settled.
    async fn next_request(&mut self) -> Option<Step> {
        let turn = self.index.admit(self.shared).await;
        let place = self.shared.in_flight.acquire().await.expect("the semaphore is never closed");
        let limit = *lock(&self.shared.limit);
        let sent = self.job.request(limit).len();
        if self.look_for_rollover(sent).await {
            return (!self.job.is_done()).then_some(Step::Again);
        }
        let request = self.request(sent);
        let answer = self.shared.exchange(&request).await;
        drop(request);
        drop(place);
        let step = self.receive(sent, answer);
        drop(turn);
        step
    }

    /// The first `sent` open items as a request.
    fn request(&self, sent: usize) -> Cow<'_, Batch> {
        let batch = self.job.batch();
        let numbers = self.job.first(sent);
        if numbers.len() == batch.items.len() {
            return Cow::Borrowed(batch);
        }
        Cow::Owned(batch.select(numbers, &mut lock(&self.shared.compressor)))
    }

    fn receive(&mut self, sent: usize, answer: Answer) -> Option<Step> {
        let backing = match &answer {
            Answer::Items(answer) => self.note_backing(answer.backing_index.as_deref()),
            _ => None,
        };
        self.in_doubt |= answer.leaves_doubt();
        let round = {
            let mut limit = lock(&self.shared.limit);
            let known = limit.refused();
            let round = self.job.receive(sent, answer, &mut lock(&self.index.state).health, &mut limit);
            self.shared.note_limit(known, limit.refused());
            round
        };
        self.shared.note_index(self.index, &round.index);
        let settled = match &round.settled {
            Settled::AllDelivered => sent,
            Settled::Some(fates) => fates.len(),
        };
        if settled < sent {
            self.shared.state.update(|state| state.retries += 1);
        }
        self.settle(round.settled, backing);
        (round.step != Step::Done).then_some(round.step)
    }

    /// The backing index, if it is another than before.
    fn note_backing(&self, backing: Option<&str>) -> Option<String> {
        let backing = backing?;
        let mut state = lock(&self.index.state);
        if state.backing.as_deref() == Some(backing) {
            return None;
        }
        state.backing = Some(backing.to_owned());
        Some(backing.to_owned())
    }

    fn settle(&mut self, settled: Settled, backing_index: Option<String>) {
        let last = self.job.is_done();
        let index = Arc::clone(&self.job.batch().index);
        let (runs, items, fates) = match settled {
            Settled::AllDelivered => {
                let (runs, items) = self.job.take_items();
                (runs, items, Vec::new())
            }
            Settled::Some(fates) if fates.is_empty() => return,
            Settled::Some(settled) => {
                let (numbers, fates): (Vec<u32>, Vec<Fate>) = settled.into_iter().unzip();
                let (runs, items) = self.job.batch().extract(&numbers);
                let plain = fates.iter().all(|fate| *fate == Fate::Delivered { failure_store: false });
                (runs, items, if plain { Vec::new() } else { fates })
            }
        };
        (self.shared.settle)(Settlement { index, runs, items, fates, backing_index, last });
    }

    /// Looks up those of the next items that may have been stored before a rollover. True if some were: they are settled.
    async fn look_for_rollover(&mut self, sent: usize) -> bool {
        let uncertain = self.job.uncertain(sent);
        let origin = match &self.before {
            Some(before) => before,
            None if self.in_doubt => &self.now,
            None => return false,
        };
        if uncertain.is_empty() || **origin == *self.index.name || !lock(&self.index.state).is_data_stream {
            return false;
        }
        let ids: Vec<_> = self.ids(&uncertain);
        match self.found(origin, &ids).await {
            Found::NoDataStream => {
                lock(&self.index.state).is_data_stream = false;
                false
            }
            Found::NotAllowed(reason) => {
                self.say_unchecked(&reason);
                false
            }
            Found::Ids(found) => self.settle_found(&uncertain, &ids, &found),
        }
    }

    /// Asks until a host answers, or says often enough that it cannot: delivery does not depend on it.
    async fn found(&self, origin: &str, ids: &[[u8; ID_LEN]]) -> Found {
        let place = Where { known: origin, written: self.in_doubt };
        let mut failures = 0;
        loop {
            let visit = self.shared.visit().await;
            match rollover::look_up(&self.shared.client, visit.host, &self.index.name, place, ids).await {
                Ok(found) => return found,
                Err(Answer::Whole(whole)) if failures == MAX_LOOK_UP_FAILURES => {
                    return Found::NotAllowed(whole.summary());
                }
                Err(Answer::Unknown(unknown)) if failures == MAX_LOOK_UP_FAILURES => {
                    return Found::NotAllowed(unknown.detail);
                }
                Err(answer) => {
                    failures += u32::from(!matches!(answer, Answer::NotSent(_)));
                    visit.end(&answer);
                }
            }
        }
    }

    fn settle_found(&mut self, uncertain: &[u32], ids: &[[u8; ID_LEN]], found: &HashSet<String>) -> bool {
        let is_found = |id: &[u8; ID_LEN]| std::str::from_utf8(id).is_ok_and(|id| found.contains(id));
        let numbers: Vec<u32> =
            uncertain.iter().zip(ids).filter(|(_, id)| is_found(id)).map(|(number, _)| *number).collect();
        if numbers.is_empty() {
            return false;
        }
        let fates = self.job.found(&numbers);
        self.settle(Settled::Some(fates), None);
        true
    }

    fn ids(&self, numbers: &[u32]) -> Vec<[u8; ID_LEN]> {
        let (runs, items) = self.job.batch().extract(numbers);
        let lineages = runs.iter().flat_map(|run| std::iter::repeat_n(run.lineage, run.items as usize));
        lineages.zip(&items).map(|(lineage, item)| event_id(lineage, item.start, item.checksum)).collect()
    }

    fn say_unchecked(&self, reason: &str) {
        self.shared.state.update(|state| state.unchecked_rollovers += 1);
        if !self.shared.said_unchecked.swap(true, Ordering::Relaxed) {
            warn!(
                index = &*self.index.name,
                reason,
                "cannot look for a rollover: if the data stream rolls over while the fate of a request is unknown, that request's \
                 documents can be stored twice; the privileges `read` and `view_index_metadata` prevent it"
            );
        }
    }
}
