use super::super::health::STREAK;
use super::*;
use crate::batch::{Compressor, EventMeta, Form, OpenBatch};
use crate::file::{FileKey, Lineage};
use crate::output::backoff::Delays;
use proptest::prelude::*;

/// A batch with documents of about `size` bytes each.
fn batch_of(items: u32, size: usize, uncertain: bool) -> Batch {
    let mut batch = OpenBatch::new("logs-app-default".into(), Form::Bulk, 1 << 20);
    for number in 0..u64::from(items) {
        let (file, lineage) = (FileKey(1), Lineage([1; 6]));
        let meta =
            EventMeta { file, lineage, start: number * 10, end: number * 10 + 10, checksum: 1, uncertain };
        batch.push(meta, |body| body.resize(body.len() + size, b'x'));
    }
    batch.seal(&mut Compressor::new(1))
}

fn pattern() -> Backoff {
    Backoff::new(Delays::default(), 1)
}

struct Bench {
    job: Job,
    health: Health,
    limit: SizeLimit,
}

impl Bench {
    fn new(items: u32) -> Self {
        Self::with(batch_of(items, 50, false))
    }

    fn with(batch: Batch) -> Self {
        Self { job: Job::new(batch, pattern()), health: Health::default(), limit: SizeLimit::default() }
    }

    /// Another batch for the same index.
    fn next(&mut self, items: u32) {
        self.job = Job::new(batch_of(items, 50, false), pattern());
    }

    fn sent(&self) -> Vec<u32> {
        self.job.request(self.limit).to_vec()
    }

    fn receive(&mut self, answer: Answer) -> Round {
        let sent = self.sent().len();
        self.job.receive(sent, answer, &mut self.health, &mut self.limit)
    }

    /// Answers with `status` for each item of the request.
    fn items(&mut self, status: impl Fn(u32) -> u16) -> Round {
        let statuses: Vec<u16> = self.sent().into_iter().map(status).collect();
        self.receive(Answer::Items(answer_of(&statuses)))
    }

    fn whole(&mut self, status: u16) -> Round {
        self.receive(whole(status))
    }

    fn lose(&mut self, end: End) -> Round {
        self.receive(Answer::Unknown(Unknown { end, detail: "connection reset".into() }))
    }
}

fn answer_of(statuses: &[u16]) -> BulkAnswer {
    let failures = (0..).zip(statuses).filter(|(_, status)| **status >= 300);
    let failure = |(item, status): (u32, &u16)| Failure {
        item,
        status: *status,
        create: true,
        kind: format!("type_{status}").into(),
        reason: "because".into(),
    };
    BulkAnswer {
        items: statuses.len() as u32,
        failures: failures.map(failure).collect(),
        ..BulkAnswer::default()
    }
}

fn whole(status: u16) -> Answer {
    let kind = format!("type_{status}");
    Answer::Whole(Whole { status, kind, reason: "because".into(), retry_after: None, location: None })
}

const DELIVERED: Fate = Fate::Delivered { failure_store: false };

fn fates(round: &Round) -> Vec<(u32, Fate)> {
    match &round.settled {
        Settled::AllDelivered => panic!("all delivered"),
        Settled::Some(fates) => fates.clone(),
    }
}

fn refusal(round: &Round) -> (u32, u16) {
    match fates(round).as_slice() {
        [(number, Fate::Refused(refusal))] => (*number, refusal.status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_that_is_stored_whole_is_done() {
    let mut bench = Bench::new(3);
    let round = bench.items(|_| 201);
    assert_eq!(round, Round { settled: Settled::AllDelivered, index: IndexNews::Works, step: Step::Done });
}

#[test]
fn a_mixed_answer_is_judged_item_by_item_and_only_429_and_5xx_are_sent_again() {
    let mut bench = Bench::new(5);
    let round = bench.items(|number| [201, 400, 409, 429, 503][number as usize]);
    let refused =
        Fate::Refused(Box::new(Refusal { status: 400, kind: "type_400".into(), reason: "because".into() }));
    assert_eq!(fates(&round), [(0, DELIVERED), (1, refused), (2, Fate::Conflict { expected: false })]);
    assert!(matches!(round.step, Step::Pause(_)));
    assert_eq!(bench.sent(), [3, 4]);
    let round = bench.items(|_| 409);
    let expected = |expected| Fate::Conflict { expected };
    assert_eq!(
        fates(&round),
        [(3, expected(false)), (4, expected(true))],
        "503 may have stored it, 429 has not"
    );
    assert_eq!(round.step, Step::Done);
}

#[test]
fn a_conflict_is_expected_only_where_the_event_may_have_been_sent_before() {
    for (before, lose, expected) in [(false, false, false), (true, false, true), (false, true, true)] {
        let mut bench = Bench::with(batch_of(1, 50, before));
        if lose {
            bench.lose(End::Closed);
        }
        assert_eq!(fates(&bench.items(|_| 409)), [(0, Fate::Conflict { expected })]);
    }
}

#[test]
fn throttled_and_unsent_requests_leave_no_doubt() {
    let mut bench = Bench::new(1);
    bench.whole(429);
    bench.receive(Answer::NotSent("refused".into()));
    assert!(bench.job.uncertain(1).is_empty());
    bench.whole(503);
    assert_eq!(bench.job.uncertain(1), [0]);
}

#[test]
fn failure_store_is_delivered_and_told_apart() {
    let mut bench = Bench::new(2);
    let round = bench.receive(Answer::Items(BulkAnswer {
        items: 2,
        failure_store: vec![1],
        ..BulkAnswer::default()
    }));
    assert_eq!(fates(&round), [(0, DELIVERED), (1, Fate::Delivered { failure_store: true })]);
}

#[test]
fn an_item_refused_with_500_ten_times_while_others_pass_is_refused() {
    let mut bench = Bench::new(4);
    bench.items(|number| if number == 2 { 500 } else { 201 });
    for refusals in 2..MAX_REFUSALS {
        let round = bench.items(|_| 500);
        assert!(fates(&round).is_empty(), "after {refusals}");
    }
    assert_eq!(refusal(&bench.items(|_| 500)), (2, 500));
}

#[test]
fn when_no_item_passes_500_is_never_final() {
    let mut bench = Bench::new(4);
    for _ in 0..100 {
        let round = bench.items(|_| 500);
        assert!(fates(&round).is_empty());
        assert_eq!(round.index, IndexNews::Busy);
    }
    assert_eq!(bench.sent().len(), 4);
}

#[test]
fn lone_bad_documents_are_refused_but_three_requests_alike_hold_the_index() {
    let mut bench = Bench::new(10);
    for _ in 1..STREAK {
        let round = bench.items(|number| if number == 0 { 201 } else { 400 });
        assert_eq!(fates(&round).len(), 10);
        bench.next(10);
    }
    let round = bench.items(|number| if number == 0 { 201 } else { 400 });
    assert_eq!(fates(&round), [(0, DELIVERED)]);
    let IndexNews::Hold(reason) = round.index else { panic!("{:?}", round.index) };
    assert!(reason.contains("type_400") && reason.contains("template"), "{reason}");
    assert!(matches!(bench.items(|_| 400).index, IndexNews::Hold(_)), "held until the answer changes");
    assert_eq!(fates(&bench.items(|_| 201)).len(), 9);
}

#[test]
fn other_400_types_or_passing_requests_in_between_are_no_streak() {
    let mut bench = Bench::new(1);
    for turn in 0..20 {
        bench.next(10);
        let round = bench.items(|number| if turn % 3 == 2 && number < 2 { 201 } else { 400 });
        assert_eq!(fates(&round).len(), 10, "turn {turn}");
    }
}

#[test]
fn every_other_4xx_holds_and_never_refuses() {
    for status in [401, 403, 404, 405, 410, 415, 418, 451] {
        let mut bench = Bench::new(2);
        for _ in 0..50 {
            let round = bench.items(|_| status);
            assert!(fates(&round).is_empty(), "{status}");
            assert!(
                matches!(&round.index, IndexNews::Hold(reason) if reason.contains(&format!("type_{status}")))
            );
            let round = bench.whole(status);
            assert!(matches!(round.index, IndexNews::Hold(_)), "{status}");
        }
        assert_eq!(bench.sent(), [0, 1]);
    }
}

#[test]
fn redirects_and_web_pages_hold_with_a_remedy() {
    let mut bench = Bench::new(1);
    let location = Some("https://b/".to_owned());
    let answer =
        Whole { status: 307, kind: String::new(), reason: String::new(), retry_after: None, location };
    let round = bench.receive(Answer::Whole(answer));
    assert!(
        matches!(&round.index, IndexNews::Hold(reason) if reason.contains("https://b/") && reason.contains("`hosts`"))
    );
    assert!(
        matches!(&bench.lose(End::WebPage).index, IndexNews::Hold(reason) if reason.contains("not Elasticsearch"))
    );
}

#[test]
fn a_conflict_of_another_action_is_no_repeat() {
    let mut bench = Bench::new(1);
    let mut answer = answer_of(&[409]);
    answer.failures[0].create = false;
    assert!(matches!(bench.receive(Answer::Items(answer)).index, IndexNews::Hold(_)));
}

/// Sends to a server that refuses what `refuses` says, until done.
fn run(bench: &mut Bench, refuses: impl Fn(&[u32], &Job) -> Option<Answer>) -> (Vec<(u32, Fate)>, u32) {
    let (mut settled, mut requests) = (Vec::new(), 0);
    loop {
        requests += 1;
        assert!(requests < 2000, "no end; {settled:?}");
        let sent = bench.sent();
        let round = match refuses(&sent, &bench.job) {
            Some(answer) => bench.receive(answer),
            None => bench.items(|_| 201),
        };
        match round.settled {
            Settled::AllDelivered => {
                settled.extend((0..bench.job.batch().items.len() as u32).map(|n| (n, DELIVERED)))
            }
            Settled::Some(fates) => settled.extend(fates),
        }
        if round.step == Step::Done {
            settled.sort_by_key(|(number, _)| *number);
            return (settled, requests);
        }
    }
}

fn raw_len(sent: &[u32], job: &Job) -> u32 {
    sent.iter().map(|number| job.batch().item_len(*number as usize)).sum()
}

#[test]
fn a_request_that_is_too_large_is_halved_and_the_limit_remembered() {
    let mut bench = Bench::with(batch_of(100, 10_000, false));
    let too_large = |sent: &[u32], job: &Job| (raw_len(sent, job) > 300_000).then(|| whole(413));
    let (settled, requests) = run(&mut bench, too_large);
    assert!(settled.iter().all(|(_, fate)| *fate == DELIVERED) && settled.len() == 100);
    assert!(requests < 20, "{requests}");

    bench.job = Job::new(batch_of(100, 10_000, false), pattern());
    let (settled, requests) = run(&mut bench, |sent, job| {
        assert!(raw_len(sent, job) <= 600_000, "the learned limit is kept");
        too_large(sent, job)
    });
    assert_eq!(settled.len(), 100);
    assert!(requests < 12, "{requests}");
}

#[test]
fn a_single_document_that_is_too_large_is_refused_and_teaches_nothing() {
    let mut bench = Bench::new(1);
    assert_eq!(refusal(&bench.whole(413)), (0, 413));
    assert_eq!(bench.limit.refused(), None);
}

proptest! {
    #[test]
    fn a_request_refused_whole_is_split_down_to_the_culprits(
        items in 1u32..200, culprits in prop::collection::btree_set(0u32..200, 1..3), status in prop::sample::select(vec![400u16, 413]),
    ) {
        let mut bench = Bench::new(items);
        let (settled, requests) = run(&mut bench, |sent, _| sent.iter().any(|n| culprits.contains(n)).then(|| whole(status)));
        let refused: Vec<u32> = settled.iter().filter(|(_, fate)| matches!(fate, Fate::Refused(_))).map(|(n, _)| *n).collect();
        prop_assert_eq!(refused, culprits.iter().copied().filter(|n| *n < items).collect::<Vec<_>>());
        prop_assert_eq!(settled.len() as u32, items);
        prop_assert!(requests < 80, "{} requests", requests);
    }

    #[test]
    fn every_item_gets_exactly_one_fate_whatever_is_answered(
        items in 1u32..30, answers in prop::collection::vec((0u8..6, any::<u64>()), 0..60),
    ) {
        let mut bench = Bench::new(items);
        let mut settled = Vec::new();
        for (kind, bits) in answers {
            let round = match kind {
                0..=1 => bench.items(|number| [201, 201, 400, 409, 429, 503, 500, 403][(bits.rotate_right(number) & 7) as usize]),
                2 => bench.whole([400, 401, 413, 429, 500, 503, 302, 418][(bits & 7) as usize]),
                3 => bench.lose([End::Closed, End::TimedOut, End::Unreadable, End::WebPage][(bits & 3) as usize]),
                4 => bench.receive(Answer::NotSent(String::new())),
                _ => bench.items(|_| 201),
            };
            match round.settled {
                Settled::AllDelivered => settled.extend(0..items),
                Settled::Some(fates) => settled.extend(fates.into_iter().map(|(number, _)| number)),
            }
            prop_assert_eq!(round.step == Step::Done, bench.job.is_done());
            if bench.job.is_done() {
                break;
            }
            prop_assert!(!bench.sent().is_empty());
        }
        let mut open: Vec<u32> = bench.job.now.iter().chain(&bench.job.later).copied().collect();
        open.extend(settled);
        open.sort_unstable();
        prop_assert_eq!(open, (0..items).collect::<Vec<_>>());
    }
}

#[test]
fn indexing_pressure_on_one_large_request_is_solved_by_halving() {
    let mut bench = Bench::with(batch_of(64, 1000, false));
    let (settled, _) = run(&mut bench, |sent, job| (raw_len(sent, job) > 20_000).then(|| whole(429)));
    assert!(settled.iter().all(|(_, fate)| *fate == DELIVERED) && settled.len() == 64);
}

#[test]
fn after_an_outage_nothing_is_refused_and_requests_grow_again() {
    let mut bench = Bench::new(1000);
    for _ in 0..500 {
        assert!(fates(&bench.lose(End::Closed)).is_empty());
    }
    let (settled, requests) = run(&mut bench, |_, _| None);
    assert_eq!(settled.len(), 1000);
    assert!(requests <= 11, "{requests}");
}

#[test]
fn a_document_the_connection_is_closed_on_is_refused_only_if_others_pass_in_between() {
    let mut bench = Bench::new(1);
    for _ in 0..100 {
        assert!(fates(&bench.lose(End::Closed)).is_empty());
    }
    let refused = (0..MAX_REFUSALS + 1).find_map(|_| {
        let other = &mut Job::new(batch_of(1, 50, false), pattern());
        other.receive(1, Answer::Items(answer_of(&[201])), &mut bench.health, &mut bench.limit);
        let round = bench.lose(End::Closed);
        (!fates(&round).is_empty()).then(|| refusal(&round))
    });
    assert_eq!(refused, Some((0, 0)));
}
