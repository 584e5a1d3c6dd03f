//! An output under test, fed with batches, and what it settles.

use blueox::batch::{Batch, Compressor, EventMeta, Form, OpenBatch};
use blueox::config::{Elasticsearch, Login, Tls};
use blueox::file::identity::event_id;
use blueox::file::{FileKey, Lineage};
use blueox::output::backoff::Delays;
use blueox::output::elasticsearch::{self, Timing};
use blueox::output::{Fate, OutputSnapshot, OutputState, SettleSink, Settlement};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

pub(crate) const DELIVERED: Fate = Fate::Delivered { failure_store: false };

const DEADLINE: Duration = Duration::from_secs(30);
const LINEAGE: Lineage = Lineage([7; 6]);

/// Short delays, so that tests of long outages are short.
pub(crate) fn fast() -> Timing {
    Timing {
        connect: Duration::from_secs(5),
        request: Duration::from_secs(2),
        progress: Duration::from_millis(500),
        backoff: Delays { first: Duration::from_millis(2), max: Duration::from_millis(20) },
    }
}

pub(crate) fn config(hosts: &[String]) -> Elasticsearch {
    Elasticsearch {
        hosts: hosts.to_vec(),
        login: Login::None,
        tls: Tls::default(),
        index: None,
        compression: 1,
        bulk_bytes: 2 << 20,
        linger: Duration::from_millis(100),
        in_flight: 2,
    }
}

pub(crate) fn plain(config: Elasticsearch) -> Elasticsearch {
    Elasticsearch { compression: 0, ..config }
}

pub(crate) fn in_flight(in_flight: usize, config: Elasticsearch) -> Elasticsearch {
    Elasticsearch { in_flight, ..config }
}

/// One event for each number; it starts at that offset.
pub(crate) fn batch(starts: Range<u64>) -> Batch {
    batch_for("logs-app-default", starts)
}

pub(crate) fn batch_for(index: &str, starts: Range<u64>) -> Batch {
    batch_of(index, starts, 1, |start| format!("{{\"n\":{start},\"message\":\"hello\"}}"))
}

/// Events that compress to nothing are not what limits are about, so the body is plain.
pub(crate) fn big_batch(starts: Range<u64>, len: impl Fn(u64) -> usize) -> Batch {
    batch_of("logs-app-default", starts, 0, |start| format!("{{\"m\":\"{}\"}}", "x".repeat(len(start))))
}

/// Events at these offsets, with these documents.
pub(crate) fn batch_of(
    index: &str,
    starts: Range<u64>,
    level: u8,
    document: impl Fn(u64) -> String,
) -> Batch {
    batch_in(Form::Bulk, index, starts, level, document)
}

/// As [`batch_of`], for another kind of output.
pub(crate) fn batch_in(
    form: Form,
    index: &str,
    starts: Range<u64>,
    level: u8,
    document: impl Fn(u64) -> String,
) -> Batch {
    let mut open = OpenBatch::new(index.into(), form, 2 << 20);
    for start in starts {
        let meta = EventMeta {
            file: FileKey(1),
            lineage: LINEAGE,
            start,
            end: start + 1,
            checksum: 9,
            uncertain: false,
        };
        open.push(meta, |body| body.extend_from_slice(document(start).as_bytes()));
    }
    open.seal(&mut Compressor::of_form(form, level))
}

pub(crate) fn uncertain(mut batch: Batch) -> Batch {
    batch.items.iter_mut().for_each(|item| item.uncertain = true);
    batch
}

/// The id of the event that starts there.
pub(crate) fn id(start: u64) -> String {
    String::from_utf8(event_id(LINEAGE, start, 9).to_vec()).unwrap()
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

pub(crate) fn refused_with(fate: &Fate) -> u16 {
    match fate {
        Fate::Refused(refusal) => refusal.status,
        other => panic!("{other:?}"),
    }
}

type Fates = BTreeMap<u64, Fate>;

pub(crate) struct Delivery {
    pub(crate) state: Arc<OutputState>,
    batches: Option<mpsc::Sender<Batch>>,
    settled: Arc<(Mutex<Vec<Settlement>>, Notify)>,
    task: JoinHandle<Result<(), String>>,
}

impl Delivery {
    pub(crate) fn start(config: Elasticsearch) -> Self {
        Self::start_with(config, fast(), HashMap::new())
    }

    pub(crate) fn start_with(config: Elasticsearch, timing: Timing, known: HashMap<String, String>) -> Self {
        Self::running(|batches, settle, state| async move {
            elasticsearch::run(&config, timing, batches, settle, state, known).await
        })
    }

    /// Any output.
    pub(crate) fn running<F, E>(
        run: impl FnOnce(mpsc::Receiver<Batch>, SettleSink, Arc<OutputState>) -> F,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Debug,
    {
        let (batches, receiver) = mpsc::channel(1);
        let settled = Arc::new((Mutex::new(Vec::new()), Notify::new()));
        let state = Arc::new(OutputState::default());
        let sink = Arc::clone(&settled);
        let settle = Arc::new(move |settlement: Settlement| {
            sink.0.lock().unwrap().push(settlement);
            sink.1.notify_waiters();
        });
        let running = run(receiver, settle, Arc::clone(&state));
        let task = tokio::spawn(async move { running.await.map_err(|error| format!("{error:?}")) });
        Self { state, batches: Some(batches), settled, task }
    }

    pub(crate) async fn send(&mut self, batch: Batch) {
        self.batches.as_ref().unwrap().send(batch).await.expect("the output runs");
    }

    /// Fates so far, by the start of the event. An event with two fates is a failure.
    pub(crate) fn now(&self) -> Fates {
        fates_of(&self.settled.0.lock().unwrap())
    }

    pub(crate) async fn wait_for(&self, enough: impl Fn(&Fates) -> bool) {
        let wait = async {
            loop {
                let settled = self.settled.1.notified();
                if enough(&self.now()) {
                    return;
                }
                settled.await;
            }
        };
        let result = tokio::time::timeout(DEADLINE, wait).await;
        assert!(result.is_ok(), "settled: {:#?}\n{:#?}", self.now(), self.state.snapshot());
    }

    pub(crate) async fn wait_for_state(&self, enough: impl Fn(&OutputSnapshot) -> bool) {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while !enough(&self.state.snapshot()) {
            assert!(tokio::time::Instant::now() < deadline, "{:#?}", self.state.snapshot());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends the input, waits until the output has settled all of it, and gives all fates.
    pub(crate) async fn fates(&mut self) -> Fates {
        drop(self.batches.take());
        let ended = tokio::time::timeout(DEADLINE, &mut self.task).await;
        match ended {
            Ok(result) => result.expect("the output does not panic").expect("the output starts"),
            Err(_) => {
                panic!("the output does not end: {:#?}\nsettled: {:#?}", self.state.snapshot(), self.now())
            }
        }
        self.now()
    }

    /// As [`Self::fates`], with the settlements as they came.
    pub(crate) async fn finish(mut self) -> Vec<Settlement> {
        self.fates().await;
        self.settlements()
    }

    /// Settlements so far.
    pub(crate) fn settlements(&self) -> Vec<Settlement> {
        self.settled.0.lock().unwrap().clone()
    }

    /// Drops the output where it stands.
    pub(crate) async fn abandon(self) -> Fates {
        self.task.abort();
        let _ = self.task.await;
        fates_of(&self.settled.0.lock().unwrap())
    }
}

fn fates_of(settlements: &[Settlement]) -> Fates {
    let mut fates = Fates::new();
    for settlement in settlements {
        let runs: u32 = settlement.runs.iter().map(|run| run.items).sum();
        assert_eq!(runs as usize, settlement.items.len(), "runs cover the items");
        assert!(settlement.fates.is_empty() || settlement.fates.len() == settlement.items.len());
        for (place, item) in settlement.items.iter().enumerate() {
            let fate = settlement.fates.get(place).cloned().unwrap_or(DELIVERED);
            let other = fates.insert(item.start, fate);
            assert!(other.is_none(), "the event at {} is settled twice", item.start);
        }
    }
    fates
}
