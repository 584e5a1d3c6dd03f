//! What the shipments of one output have in common.

use super::answer::{Answer, Meaning, Unknown};
use super::client::{Client, ClientError, Timing};
use super::gate::{Gate, Opened};
use super::health::{Health, SizeLimit};
use super::verdict::IndexNews;
use crate::batch::{Batch, Compressor};
use crate::config::Elasticsearch;
use crate::output::backoff::Backoff;
use crate::output::hosts::{Hosts, Pick};
use crate::output::{OutputState, SettleSink};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};
use tracing::{error, info, warn};

/// Indices that are remembered though no batch goes to them.
const MAX_IDLE_INDICES: usize = 1000;

pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) settle: SettleSink,
    pub(super) state: Arc<OutputState>,
    pub(super) in_flight: Semaphore,
    pub(super) compressor: Mutex<Compressor>,
    pub(super) limit: Mutex<SizeLimit>,
    /// Backing indices as the checkpoint of an earlier run knew them; empty where it did not.
    pub(super) known: HashMap<String, String>,
    pub(super) said_unchecked: AtomicBool,
    indices: Mutex<HashMap<Arc<str>, Arc<Index>>>,
    hosts: Mutex<Hosts>,
    host_news: Notify,
    timing: Timing,
    started: Instant,
    seeds: AtomicU64,
}

/// One target index or data stream.
pub(super) struct Index {
    pub(super) name: Arc<str>,
    pub(super) state: Mutex<IndexState>,
    /// While the gate is closed, whoever has it may try. Fair, so a batch that fails goes to the end of the queue.
    turn: tokio::sync::Mutex<()>,
    opened: Notify,
}

pub(super) struct IndexState {
    pub(super) gate: Gate,
    pub(super) health: Health,
    /// Backing index of the last stored item.
    pub(super) backing: Option<String>,
    pub(super) is_data_stream: bool,
}

impl Index {
    /// Waits until a request may go to the index. The guard is held by the one request that tries a closed gate.
    pub(super) async fn admit(&self, shared: &Shared) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let is_open = || lock(&self.state).gate.is_open();
        if is_open() {
            return None;
        }
        let turn = self.turn.lock().await;
        loop {
            let opened = self.opened.notified();
            if is_open() {
                return None;
            }
            let wait = lock(&self.state).gate.wait(shared.now());
            if wait.is_zero() {
                return Some(turn);
            }
            let _ = tokio::time::timeout(wait, opened).await;
        }
    }
}

impl Shared {
    pub(super) fn new(
        config: &Elasticsearch,
        timing: Timing,
        settle: SettleSink,
        state: Arc<OutputState>,
        known: HashMap<String, String>,
    ) -> Result<Self, ClientError> {
        let client = Client::new(config, timing)?;
        let seed = RandomState::new().hash_one(0);
        Ok(Self {
            hosts: Mutex::new(Hosts::new(client.hosts(), timing.backoff, seed)),
            client,
            settle,
            state,
            in_flight: Semaphore::new(config.in_flight.max(1)),
            compressor: Mutex::new(Compressor::new(config.compression)),
            limit: Mutex::default(),
            known,
            said_unchecked: AtomicBool::new(false),
            indices: Mutex::default(),
            host_news: Notify::new(),
            timing,
            started: Instant::now(),
            seeds: AtomicU64::new(seed),
        })
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn backoff(&self) -> Backoff {
        let seed = self.seeds.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        Backoff::new(self.timing.backoff, seed)
    }

    /// The state of an index, made where it is new.
    pub(super) fn index(&self, name: &Arc<str>) -> Arc<Index> {
        let mut indices = lock(&self.indices);
        if let Some(index) = indices.get(name) {
            return Arc::clone(index);
        }
        if indices.len() >= MAX_IDLE_INDICES {
            indices.retain(|_, index| Arc::strong_count(index) > 1);
        }
        let state = IndexState {
            gate: Gate::new(self.backoff()),
            health: Health::default(),
            backing: self.known.get(&**name).filter(|backing| !backing.is_empty()).cloned(),
            is_data_stream: true,
        };
        let index = Arc::new(Index {
            name: Arc::clone(name),
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
            opened: Notify::new(),
        });
        indices.insert(Arc::clone(name), Arc::clone(&index));
        index
    }

    /// Sends a request to the host whose turn it is, as soon as one is not in trouble.
    pub(super) async fn exchange(&self, batch: &Batch) -> Answer {
        let visit = self.visit().await;
        self.state.update(|state| {
            state.requests += 1;
            state.bytes_sent += batch.body.len() as u64;
        });
        let answer = self.client.bulk(visit.host, batch).await;
        visit.end(&answer);
        answer
    }

    /// Waits for a host that can be used.
    pub(super) async fn visit(&self) -> Visit<'_> {
        loop {
            let news = self.host_news.notified();
            let pick = lock(&self.hosts).pick(self.now());
            match pick {
                Pick::Host(host) => return Visit::start(self, host),
                Pick::Wait(wait) => drop(tokio::time::timeout(wait, news).await),
            }
        }
    }

    /// Opens, closes or holds the gate of an index, and says so when that changes.
    pub(super) fn note_index(&self, index: &Index, news: &IndexNews) {
        let mut state = lock(&index.state);
        let name = &*index.name;
        match news {
            IndexNews::None => {}
            IndexNews::Works => {
                let opened = state.gate.open();
                index.opened.notify_waiters();
                match opened {
                    Opened::Was => {}
                    Opened::Busy => info!(index = name, "index takes documents again"),
                    Opened::Held => {
                        self.state.update(|state| state.release(name));
                        info!(index = name, "hold ended, index takes documents again");
                    }
                }
            }
            IndexNews::Busy => {
                if state.gate.close(self.now()) {
                    warn!(index = name, "index takes no documents now, trying again");
                }
            }
            IndexNews::Hold(reason) => {
                self.state.update(|state| state.hold(name, reason));
                if state.gate.hold(self.now(), reason) {
                    error!(
                        index = name,
                        reason, "index held: nothing goes there until this is solved, nothing is dropped"
                    );
                }
            }
        }
    }

    /// Says so when the server refused a smaller request than before.
    pub(super) fn note_limit(&self, known: Option<u32>, limit: Option<u32>) {
        if limit != known {
            self.state.update(|state| state.refused_request_bytes = limit);
            warn!(bytes = limit, "server refuses requests of this size, sending smaller ones");
        }
    }

    fn host_failed(&self, host: usize, asked: Option<Duration>, error: &str) {
        let (new, any_well) = {
            let mut hosts = lock(&self.hosts);
            (hosts.failed(host, self.now(), asked), hosts.any_well())
        };
        self.host_news.notify_waiters();
        self.state.update(|state| {
            state.last_error = Some(error.to_owned());
            state.reachable = any_well;
        });
        if new {
            warn!(host = self.client.host(host), error, "output host in trouble, trying again");
        }
    }

    fn host_worked(&self, host: usize, error: Option<String>) {
        let recovered = lock(&self.hosts).worked(host);
        self.host_news.notify_waiters();
        self.state.update(|state| {
            state.last_error = error;
            state.reachable = true;
        });
        if recovered {
            info!(host = self.client.host(host), "output host works again");
        }
    }
}

/// A request to a host. If it is dropped before its end, nothing is learned of the host.
pub(super) struct Visit<'a> {
    shared: &'a Shared,
    pub(super) host: usize,
    ended: bool,
}

impl<'a> Visit<'a> {
    fn start(shared: &'a Shared, host: usize) -> Self {
        shared.state.update(|state| {
            state.in_flight += 1;
            if state.host != shared.client.host(host) {
                state.host = shared.client.host(host).to_owned();
            }
        });
        Self { shared, host, ended: false }
    }

    pub(super) fn end(mut self, answer: &Answer) {
        self.ended = true;
        match answer {
            Answer::Items(_) => self.shared.host_worked(self.host, None),
            Answer::NotSent(error) => self.shared.host_failed(self.host, None, error),
            Answer::Unknown(unknown) => self.end_unknown(unknown),
            Answer::Whole(whole) => match whole.meaning() {
                Meaning::Throttled | Meaning::Failed => {
                    self.shared.host_failed(self.host, whole.retry_after, &whole.summary());
                }
                Meaning::Refused | Meaning::TooLarge | Meaning::Forbidden => {
                    self.shared.host_worked(self.host, Some(whole.summary()));
                }
            },
        }
    }

    fn end_unknown(&self, unknown: &Unknown) {
        self.shared.host_failed(self.host, None, &unknown.detail);
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.shared.state.update(|state| state.in_flight -= 1);
        if !self.ended {
            lock(&self.shared.hosts).abandoned(self.host);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
