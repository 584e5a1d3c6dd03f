//! Logstash (and every other server of Lumberjack version 2) over TCP or TLS.
//!
//! ```text
//! batch → queue (windows) → connection → acknowledgement → settlement
//! ```
//!
//! [`frame`], [`pace`] and [`queue`] have no I/O and no clock; [`connection`] moves bytes; this module connects, waits and tells.
//! One connection at a time, so events arrive in the order of their files. Other hosts are tried when one fails.
//!
//! An acknowledgement means that the server has the event in its queue; how safe that is, its settings decide. Events without
//! one are sent again: at least once. Each carries its id in `@metadata._id`, so that an output that uses it as the document's id
//! stores it once.

pub mod frame;

pub mod pace;

pub mod queue;

mod connection;

use crate::batch::Batch;
use crate::config::{Address, Logstash};
use crate::output::backoff::Delays;
use crate::output::hosts::{Hosts, Pick};
use crate::output::link::Connector;
use crate::output::{OutputState, SettleSink, TlsError};
use connection::{Connection, Farewell, Output};
use queue::{Ended, Queue};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, info, warn};

/// Deadlines and delays.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Name look-up, TCP and TLS. Default 5 s.
    pub connect: Duration,
    /// Silence of a server that owes an answer; Logstash says every 5 s that it is at work. Default 30 s.
    pub answer: Duration,
    /// A server that says so without taking an event. Default 30 min.
    pub window: Duration,
    /// Without anything to send the connection is closed. Default 30 s, below the 60 s after which Logstash does.
    pub idle: Duration,
    /// An empty window, which not every server answers. Default 2 s.
    pub probe: Duration,
    /// Between tries.
    pub backoff: Delays,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            window: Duration::from_secs(1800),
            idle: Duration::from_secs(30),
            probe: Duration::from_secs(2),
            backoff: Delays::default(),
        }
    }
}

/// Sends batches until the sender is dropped and every batch is settled. Dropping the future abandons what is open.
pub async fn run(
    config: &Logstash,
    timing: Timing,
    batches: mpsc::Receiver<Batch>,
    settle: SettleSink,
    state: Arc<OutputState>,
) -> Result<(), TlsError> {
    let connector = Connector::new(config.tls.as_ref(), timing.connect)?;
    let seed = RandomState::new().hash_one(0);
    let mut sender = Sender {
        config,
        timing,
        connector,
        hosts: Hosts::new(config.hosts.len(), timing.backoff, seed),
        started: Instant::now(),
        queue: Queue::new(config.pipelining, config.compression),
        batches,
        is_closed: false,
        settle,
        state,
    };
    while sender.has_work().await {
        match sender.hosts.pick(sender.started.elapsed()) {
            Pick::Wait(wait) => tokio::time::sleep(wait).await,
            Pick::Host(host) => sender.visit(host).await,
        }
    }
    Ok(())
}

struct Sender<'a> {
    config: &'a Logstash,
    timing: Timing,
    connector: Connector,
    hosts: Hosts,
    started: Instant,
    queue: Queue,
    batches: mpsc::Receiver<Batch>,
    is_closed: bool,
    settle: SettleSink,
    state: Arc<OutputState>,
}

impl Sender<'_> {
    /// Waits for something to send. False once nothing will come.
    async fn has_work(&mut self) -> bool {
        if self.queue.is_empty() && !self.is_closed {
            match self.batches.recv().await {
                Some(batch) => self.queue.push(batch),
                None => self.is_closed = true,
            }
        }
        !self.queue.is_empty()
    }

    /// One connection.
    async fn visit(&mut self, host: usize) {
        let address = &self.config.hosts[host];
        self.state.update(|state| state.host = address.to_string());
        let link = match self.connector.connect(address).await {
            Ok(link) => link,
            Err(error) => return self.failed(host, address, &error),
        };
        let mut connection = Connection::new(link);
        let mut output = Output {
            timing: &self.timing,
            batches: &mut self.batches,
            is_closed: self.is_closed,
            settle: &self.settle,
            state: &self.state,
        };
        let farewell = connection.converse(&mut self.queue, &mut output).await;
        self.is_closed = output.is_closed;
        connection.close(&self.timing).await;
        let works = self.queue.connection_works();
        if works && self.hosts.worked(host) {
            info!(host = %address, "output host works again");
        }
        match farewell {
            Farewell::Lost(how, error) => self.lost(host, works, how, &error),
            Farewell::Finished | Farewell::Idle => {
                self.queue.end(Ended::Otherwise);
                if !works {
                    self.hosts.abandoned(host);
                }
            }
        }
    }

    fn lost(&mut self, host: usize, works: bool, how: Ended, error: &str) {
        let address = &self.config.hosts[host];
        if let Some(settlement) = self.queue.end(how) {
            error!(host = %address, events = settlement.items.len(), "event is refused again and again, giving it up");
            (self.settle)(settlement);
        }
        match works {
            true => {
                warn!(host = %address, error, "connection lost, connecting again; what was not acknowledged is sent again");
                self.state.update(|state| state.last_error = Some(error.to_owned()));
            }
            false => self.failed(host, address, error),
        }
        self.state.update(|state| {
            state.retries += 1;
            state.in_flight = 0;
        });
    }

    fn failed(&mut self, host: usize, address: &Address, error: &str) {
        let is_new = self.hosts.failed(host, self.started.elapsed(), None);
        let any_well = self.hosts.any_well();
        self.state.update(|state| {
            state.last_error = Some(error.to_owned());
            state.reachable = any_well;
        });
        if is_new {
            warn!(host = %address, error, "output host in trouble, trying again");
        }
    }
}
