use super::*;
use crate::batch::{EventMeta, OpenBatch};
use crate::file::{FileKey, Lineage};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

fn batch(starts: Range<u64>) -> Batch {
    let mut open = OpenBatch::new("logs-app-default".into(), Form::Lumberjack, 1 << 20);
    for start in starts {
        let (file, lineage) = (FileKey(1), Lineage([1; 6]));
        let meta = EventMeta { file, lineage, start, end: start + 1, checksum: 1, uncertain: false };
        open.push(meta, |body| body.extend_from_slice(format!("{{\"n\":{start}}}").as_bytes()));
    }
    open.seal(&mut Compressor::of_form(Form::Lumberjack, 0))
}

/// The numbers in the frames of a window, which are checked.
fn events(frames: &[Bytes]) -> Vec<u64> {
    let bytes = frames.concat();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(&bytes[..2], b"2W");
    let (mut events, mut at) = (Vec::new(), 6);
    while at < bytes.len() {
        assert_eq!(&bytes[at..at + 2], b"2J");
        assert_eq!(number(at + 2) as usize, events.len() + 1, "windows are numbered from 1");
        let end = at + 10 + number(at + 6) as usize;
        let document: serde_json::Value = serde_json::from_slice(&bytes[at + 10..end]).unwrap();
        events.push(document["n"].as_u64().unwrap());
        at = end;
    }
    assert_eq!(number(2) as usize, events.len());
    events
}

fn sent(queue: &mut Queue) -> Vec<u64> {
    match queue.next_step() {
        Step::Send(frames) => events(&frames),
        other => panic!("{other:?}"),
    }
}

fn waits(queue: &mut Queue) -> bool {
    matches!(queue.next_step(), Step::Wait)
}

fn starts(settlement: &Settlement) -> Vec<u64> {
    settlement.items.iter().map(|item| item.start).collect()
}

// L01, L12
#[test]
fn windows_are_pipelined_and_acknowledged_in_order() {
    let mut queue = Queue::new(2, 0);
    for first in [0, 3, 6] {
        queue.push(batch(first..first + 3));
    }
    assert_eq!((sent(&mut queue), sent(&mut queue)), (vec![0, 1, 2], vec![3, 4, 5]));
    assert!(waits(&mut queue), "two are under way");
    let settled = queue.receive(3).unwrap().unwrap();
    assert!(settled.last && settled.fates.is_empty() && starts(&settled) == [0, 1, 2]);
    assert_eq!(sent(&mut queue), [6, 7, 8]);
    assert!(queue.end(Ended::ByPeer).is_none(), "one refusal means nothing");
    assert_eq!(sent(&mut queue), [3, 4, 5], "exactly what was not acknowledged");
}

// L02, L03
#[test]
fn after_a_partial_acknowledgement_only_the_rest_is_sent_again() {
    let mut queue = Queue::new(1, 0);
    queue.push(batch(0..5));
    sent(&mut queue);
    for ack in [0, 2, 0, 2, 3] {
        let settled = queue.receive(ack).unwrap();
        assert!(settled.is_none_or(|settled| !settled.last));
    }
    queue.end(Ended::Otherwise);
    assert_eq!(sent(&mut queue), [3, 4]);
    let settled = queue.receive(2).unwrap().unwrap();
    assert!(settled.last && starts(&settled) == [3, 4] && queue.is_empty());
}

#[test]
fn acknowledgements_that_cannot_be_meant_are_errors() {
    let mut queue = Queue::new(1, 0);
    assert_eq!(queue.receive(1).unwrap_err(), WrongAck::Unasked(1));
    assert!(queue.receive(0).unwrap().is_none(), "a late sign of life is none");
    queue.push(batch(0..5));
    sent(&mut queue);
    assert_eq!(queue.receive(6).unwrap_err(), WrongAck::BeyondWindow { ack: 6, count: 5 });
    queue.receive(3).unwrap();
    assert_eq!(queue.receive(2).unwrap_err(), WrongAck::Backwards { ack: 2, before: 3 });
}

#[test]
fn windows_grow_with_each_that_is_taken_whole_and_start_small_after_a_loss() {
    let mut queue = Queue::new(1, 0);
    queue.push(batch(0..1000));
    let mut sizes = Vec::new();
    while !queue.is_empty() {
        let size = sent(&mut queue).len();
        sizes.push(size);
        queue.receive(size as u32).unwrap();
    }
    assert_eq!(sizes, [64, 128, 256, 512, 40]);
    queue.push(batch(0..1000));
    assert_eq!(sent(&mut queue).len(), 1000);
    queue.end(Ended::Otherwise);
    assert_eq!(sent(&mut queue).len(), 64);
}

/// What a server does upon an empty window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    Answered,
    Ignored,
    ClosedUpon,
}

const EACH: [Empty; 3] = [Empty::Answered, Empty::Ignored, Empty::ClosedUpon];

/// The next events, after whatever goes before them with a server that stands.
fn sent_after_a_probe(queue: &mut Queue, empty: Empty) -> Vec<u64> {
    loop {
        match (queue.next_step(), empty) {
            (Step::Send(frames), _) => return events(&frames),
            (Step::Probe(_), Empty::Answered) => assert!(queue.receive(0).unwrap().is_none()),
            (Step::Probe(_), Empty::ClosedUpon) => assert!(queue.end(Ended::ByPeer).is_none()),
            (Step::Probe(_), Empty::Ignored) => queue.unanswered(),
            (Step::Wait, _) => {
                assert!(queue.is_probing(), "waits for nothing");
                queue.unanswered();
            }
        }
    }
}

/// A server that closes whenever it meets a poisonous event. Returns what it took, in order, and what was given up.
fn play(queue: &mut Queue, poison: &BTreeSet<u64>, empty: Empty) -> (Vec<u64>, BTreeMap<u64, u32>) {
    let (mut taken, mut given_up, mut connections) = (Vec::new(), BTreeMap::new(), 0);
    while !queue.is_empty() {
        let events = sent_after_a_probe(queue, empty);
        if events.iter().any(|event| poison.contains(event)) {
            connections += 1;
            assert!(connections < 200, "no end: {taken:?}");
            for item in queue.end(Ended::ByPeer).map(|settled| settled.items).unwrap_or_default() {
                given_up.insert(item.start, connections);
            }
        } else {
            queue.receive(events.len() as u32).unwrap();
            taken.extend(events);
        }
    }
    (taken, given_up)
}

// L14
#[test]
fn an_event_that_is_always_refused_is_found_and_given_up_and_all_others_are_taken() {
    for empty in EACH {
        for culprit in [0, 1, 700, 999] {
            let mut queue = Queue::new(2, 0);
            queue.push(batch(0..1000));
            queue.push(batch(1000..1001));
            let (mut taken, given_up) = play(&mut queue, &BTreeSet::from([culprit]), empty);
            taken.sort_unstable();
            let others: Vec<u64> = (0..=1000).filter(|event| *event != culprit).collect();
            assert_eq!(taken, others, "{culprit}");
            assert!(given_up.keys().eq([&culprit]) && given_up[&culprit] < 20, "{given_up:?}");
        }
    }
}

#[test]
fn several_such_events_are_all_found() {
    for empty in EACH {
        let mut queue = Queue::new(2, 0);
        // Where empty windows are not answered, each needs two others that are taken.
        queue.push(batch(0..104));
        let poison = BTreeSet::from([3, 4, 5, 64, 98, 99]);
        let (taken, given_up) = play(&mut queue, &poison, empty);
        assert_eq!((taken.len(), given_up.into_keys().collect()), (98, poison), "{empty:?}");
    }
}

#[test]
fn a_server_that_takes_nothing_gets_no_event_given_up() {
    for empty in [Empty::Ignored, Empty::ClosedUpon] {
        let mut queue = Queue::new(2, 0);
        queue.push(batch(0..3));
        for _ in 0..50 {
            sent_after_a_probe(&mut queue, empty);
            assert!(queue.end(Ended::ByPeer).is_none());
        }
    }
}

// L16
#[test]
fn a_server_that_is_killed_over_an_event_again_and_again_gets_no_other_event_first() {
    let check = |empty, kills| {
        let mut queue = Queue::new(2, 0);
        queue.push(batch(0..1));
        queue.push(batch(1..4));
        for _ in 0..kills {
            assert_eq!(sent_after_a_probe(&mut queue, empty), [0], "{empty:?} {kills}");
            assert!(queue.end(Ended::ByPeer).is_none(), "{empty:?} {kills}");
        }
        let (taken, given_up) = play(&mut queue, &BTreeSet::new(), empty);
        assert_eq!((taken, given_up.len()), (vec![0, 1, 2, 3], 0), "{empty:?} {kills}");
    };
    for kills in 1..HALVE_FROM + STRIKES {
        check(Empty::Answered, kills);
    }
    for kills in 1..HALVE_FROM + REFUSALS_ALONE {
        check(Empty::Ignored, kills);
        check(Empty::ClosedUpon, kills);
    }
}

/// A load balancer without a server behind it, while the server is away and once it is back.
#[test]
fn connections_that_close_whatever_is_sent_say_nothing_of_an_event() {
    for (empty, connections) in EACH.into_iter().flat_map(|empty| (0..30).map(move |count| (empty, count))) {
        let mut queue = Queue::new(2, 0);
        queue.push(batch(0..4));
        for _ in 0..connections {
            queue.next_step();
            assert!(queue.end(Ended::ByPeer).is_none());
        }
        let (taken, given_up) = play(&mut queue, &BTreeSet::new(), empty);
        assert_eq!((taken, given_up.len()), (vec![0, 1, 2, 3], 0), "{empty:?} {connections}");
    }
}

#[test]
fn where_a_neighbour_is_refused_too_the_event_itself_is_tried_as_often_again() {
    let mut queue = Queue::new(1, 0);
    queue.push(batch(0..1));
    queue.push(batch(1..3));
    let tried: Vec<u64> = (0..HALVE_FROM + 2 * (REFUSALS_ALONE + 1))
        .map(|_| {
            let events = sent_after_a_probe(&mut queue, Empty::Ignored);
            assert!(queue.end(Ended::ByPeer).is_none());
            events[0]
        })
        .collect();
    assert_eq!(tried, [0, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
}

#[test]
fn after_a_false_suspicion_windows_are_as_wide_as_at_the_start() {
    let mut queue = Queue::new(1, 0);
    queue.push(batch(0..1));
    queue.push(batch(1..100));
    for _ in 0..HALVE_FROM {
        assert_eq!(sent_after_a_probe(&mut queue, Empty::Ignored), [0]);
        queue.end(Ended::ByPeer);
    }
    assert_eq!(sent_after_a_probe(&mut queue, Empty::Ignored), [0]);
    queue.receive(1).unwrap();
    assert_eq!(sent(&mut queue).len(), 64);
}

#[test]
fn a_server_that_is_restarted_while_it_works_gets_no_event_given_up() {
    let mut queue = Queue::new(1, 0);
    queue.push(batch(0..1));
    for _ in 0..20 {
        if matches!(queue.next_step(), Step::Probe(_)) {
            queue.receive(0).unwrap();
            sent(&mut queue);
        }
        queue.receive(0).unwrap();
        assert!(queue.end(Ended::ByPeer).is_none(), "it said that it is at work");
    }
}
