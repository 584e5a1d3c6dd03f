//! What to send next, and what acknowledgements and their absence mean. No I/O, no clock.
//!
//! Batches leave in the order they came, each in one window, or in several while [`Pace`] says so. A server acknowledges the
//! events of a window in steps or at once; `0` only means that it is still at work. When the connection ends, everything
//! without an acknowledgement is sent again, on another connection and in windows numbered from 1.
//!
//! **A refusal** is a connection the server closes over a window of which it has taken nothing and never said that it is at work.
//! A server that is being restarted does the same, so one means nothing. From the second in a row over the same first event the window is
//! halved with each one, down to a single event. That event is given up ([`Fate::Refused`]) only after it was refused
//! twice, alone and by connections that had taken something else before: an empty window, or another event.
//!
//! **Order.** Halving keeps it, and so does an empty window, which goes first on each connection from then on. Where that has no
//! answer, only another event can tell a server that refuses this one from a server that takes nothing, and it arrives before its turn.
//! So it waits for [`REFUSALS_ALONE`] refusals of the event alone, in a row, by connections that stood while nothing but an empty
//! window was sent: what is closed before (a load balancer without a server behind it, a server that is being stopped) counts
//! nothing. A server that closes upon empty windows gets silence in their place.
//! Connections that fail between refusals withdraw none: a server that an event brings down is away after each.

use super::frame;
use super::pace::Pace;
use crate::batch::{Batch, Compressor, Form};
use crate::output::{Fate, Refusal, Settlement};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// Refusals over the same first event from which on its window is halved.
const HALVE_FROM: u32 = 2;

/// Refusals of one event alone, by connections that take others, that mean it will never be taken.
const STRIKES: u32 = 2;

/// Refusals of one event alone, by connections that stood and had taken nothing, after which another event goes first.
const REFUSALS_ALONE: u32 = 3;

/// What to do next on the connection.
#[derive(Debug)]
pub enum Step {
    /// Write these frames, one window.
    Send(Vec<Bytes>),
    /// Write an empty window and report whether it was answered: [`Queue::receive`] or [`Queue::unanswered`].
    Probe(Bytes),
    /// Wait for acknowledgements, for the next batch or, where [`Queue::is_probing`], as long as for an empty window.
    Wait,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The peer closed or reset it.
    ByPeer,
    /// It was never there, or was given up here.
    Otherwise,
}

/// An acknowledgement that cannot be meant for what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongAck {
    /// Nothing is waiting for one.
    #[error("acknowledgement of event {0} while no window is open")]
    Unasked(u32),
    /// More than the window holds.
    #[error("acknowledgement of event {ack} of a window of {count}")]
    BeyondWindow {
        /// Number acknowledged.
        ack: u32,
        /// Events in the window.
        count: u32,
    },
    /// Less than before.
    #[error("acknowledgement of event {ack} after {before}")]
    Backwards {
        /// Number acknowledged.
        ack: u32,
        /// Number acknowledged before.
        before: u32,
    },
}

/// Batches on their way.
#[derive(Debug)]
pub struct Queue {
    pipelining: usize,
    compressor: Compressor,
    jobs: VecDeque<Job>,
    windows: VecDeque<Window>,
    pace: Pace,
    suspicion: Option<Suspicion>,
    connection: Connection,
    next_key: u64,
}

#[derive(Debug)]
struct Job {
    key: u64,
    batch: Batch,
    /// Items without a fate.
    open: Vec<u32>,
    /// How many of them, from the first on, are under way.
    sent: usize,
}

/// Events under way on the connection.
#[derive(Debug)]
struct Window {
    job: u64,
    numbers: Vec<u32>,
    taken: u32,
    /// The server said that it is at work.
    busy: bool,
}

/// Events among which one is refused, one window after the other.
#[derive(Debug)]
struct Suspicion {
    job: u64,
    /// The first of them that is still open.
    number: u32,
    /// The last of them.
    until: u32,
    refusals: u32,
    /// Refused alone by a connection that had taken something else.
    strikes: u32,
    /// Refused alone.
    is_alone: bool,
    /// Refused alone by a connection that stood and had taken nothing, since the last neighbour was refused too.
    refusals_alone: u32,
    /// The last empty window was closed upon: the next connection has to stand without one.
    is_silent: bool,
    /// How often something else was tried first.
    probes: usize,
}

/// What is known of the present connection.
#[derive(Debug, Default)]
struct Connection {
    /// It has taken something.
    works: bool,
    probe: Probe,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Probe {
    #[default]
    NotTried,
    /// Nothing is sent but an empty window, or not even that.
    Empty,
    Neighbour,
    Done,
}

impl Queue {
    /// At most `pipelining` windows are under way at once; parts of batches are compressed at `compression`.
    pub fn new(pipelining: usize, compression: u8) -> Self {
        Self {
            pipelining: pipelining.max(1),
            compressor: Compressor::of_form(Form::Lumberjack, compression),
            jobs: VecDeque::new(),
            windows: VecDeque::new(),
            pace: Pace::default(),
            suspicion: None,
            connection: Connection::default(),
            next_key: 0,
        }
    }

    /// Takes a batch in the form [`Form::Lumberjack`].
    pub fn push(&mut self, batch: Batch) {
        debug_assert_eq!(batch.form, Form::Lumberjack);
        let open = (0..batch.items.len() as u32).collect();
        self.jobs.push_back(Job { key: self.next_key, batch, open, sent: 0 });
        self.next_key += 1;
    }

    /// Nothing is left to send or to wait for.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Something was sent that has no answer yet, or the connection is being tried.
    pub fn awaits_answer(&self) -> bool {
        !self.windows.is_empty() || self.connection.probe == Probe::Empty
    }

    /// Windows under way.
    pub fn windows(&self) -> usize {
        self.windows.len()
    }

    /// An empty window waits for its answer, or silence is tried in its place.
    pub fn is_probing(&self) -> bool {
        self.connection.probe == Probe::Empty
    }

    /// The present connection has taken something.
    pub fn connection_works(&self) -> bool {
        self.connection.works
    }

    /// What to write next; to be called until it says [`Step::Wait`].
    pub fn next_step(&mut self) -> Step {
        if self.is_probing() {
            return Step::Wait;
        }
        match &mut self.suspicion {
            Some(suspicion) if suspicion.is_alone && !self.connection.works => self.suspect(),
            Some(_) if !self.windows.is_empty() => Step::Wait,
            _ if self.windows.len() >= self.pipelining => Step::Wait,
            _ => self.next_window(),
        }
    }

    /// The event in suspicion, or what goes before it.
    fn suspect(&mut self) -> Step {
        let Some(suspicion) = &self.suspicion else { return self.next_window() };
        if self.connection.probe == Probe::NotTried {
            self.connection.probe = Probe::Empty;
            return match suspicion.is_silent {
                true => Step::Wait,
                false => Step::Probe(frame::window(0)),
            };
        }
        if !self.windows.is_empty() {
            return Step::Wait;
        }
        match suspicion.refusals_alone >= REFUSALS_ALONE {
            true => self.neighbour_window().unwrap_or_else(|| self.next_window()),
            false => self.next_window(),
        }
    }

    fn neighbour_window(&mut self) -> Option<Step> {
        let (job, number) = self.neighbour()?;
        self.connection.probe = Probe::Neighbour;
        Some(Step::Send(self.open_window(job, vec![number])))
    }

    /// Another event than the one in suspicion, each time the next one.
    fn neighbour(&mut self) -> Option<(usize, u32)> {
        let suspicion = self.suspicion.as_mut()?;
        let suspect = (suspicion.job, suspicion.number);
        let others = || {
            let events = self.jobs.iter().enumerate();
            events
                .flat_map(|(at, job)| job.open.iter().map(move |number| (at, job.key, *number)))
                .filter(|(_, key, number)| (*key, *number) != suspect)
        };
        let count = others().count();
        let (at, _, number) = others().nth(suspicion.probes.checked_rem(count)?)?;
        suspicion.probes += 1;
        Some((at, number))
    }

    fn next_window(&mut self) -> Step {
        let Some(at) = self.jobs.iter().position(|job| job.sent < job.open.len()) else { return Step::Wait };
        let job = &mut self.jobs[at];
        let numbers: Vec<u32> = job.open[job.sent..].iter().take(self.pace.limit()).copied().collect();
        job.sent += numbers.len();
        Step::Send(self.open_window(at, numbers))
    }

    fn open_window(&mut self, job: usize, numbers: Vec<u32>) -> Vec<Bytes> {
        let Job { key, batch, .. } = &self.jobs[job];
        let frames = match numbers.len() == batch.items.len() {
            true => frame::window_of(numbers.len() as u32, &batch.body),
            false => {
                frame::window_of(numbers.len() as u32, &batch.select(&numbers, &mut self.compressor).body)
            }
        };
        self.windows.push_back(Window { job: *key, numbers, taken: 0, busy: false });
        frames
    }

    /// Takes an acknowledgement. Returns what it settles.
    pub fn receive(&mut self, ack: u32) -> Result<Option<Settlement>, WrongAck> {
        let Some(window) = self.windows.front_mut() else { return self.receive_unasked(ack) };
        if ack == 0 {
            window.busy = true;
            return Ok(None);
        }
        let (count, before) = (window.numbers.len() as u32, window.taken);
        match ack {
            _ if ack > count => return Err(WrongAck::BeyondWindow { ack, count }),
            _ if ack < before => return Err(WrongAck::Backwards { ack, before }),
            _ => {}
        }
        window.taken = ack;
        let (job, taken) = (window.job, window.numbers[before as usize..ack as usize].to_vec());
        if ack == count {
            self.windows.pop_front();
            if self.suspicion.is_none() {
                self.pace.grow(count as usize);
            }
        }
        self.connection.works = true;
        if self.connection.probe == Probe::Neighbour {
            self.connection.probe = Probe::Done;
        }
        let suspicion = &mut self.suspicion;
        if suspicion.take_if(|suspicion| suspicion.job == job && suspicion.is_cleared_by(&taken)).is_some() {
            self.pace.widen();
        }
        Ok((!taken.is_empty()).then(|| self.settle(job, &taken, Vec::new())))
    }

    fn receive_unasked(&mut self, ack: u32) -> Result<Option<Settlement>, WrongAck> {
        match ack {
            0 if self.is_probing() => {
                self.connection = Connection { works: true, probe: Probe::Done };
                Ok(None)
            }
            // A late sign of life.
            0 => Ok(None),
            _ => Err(WrongAck::Unasked(ack)),
        }
    }

    /// The empty window has had no answer: not every server answers one.
    pub fn unanswered(&mut self) {
        self.connection.probe = Probe::Done;
    }

    /// The connection is gone; whatever has no acknowledgement is to be sent again. Returns what that settles.
    pub fn end(&mut self, how: Ended) -> Option<Settlement> {
        let connection = std::mem::take(&mut self.connection);
        let front = self
            .windows
            .front()
            .map(|window| (window.job, window.numbers.clone(), window.taken, window.busy));
        self.windows.clear();
        self.jobs.iter_mut().for_each(|job| job.sent = 0);
        match (front, connection.probe) {
            (Some((job, numbers, 0, false)), probe) if how == Ended::ByPeer && probe != Probe::Neighbour => {
                self.refused(job, &numbers, &connection)
            }
            (_, probe) => {
                if let Some(suspicion) = &mut self.suspicion {
                    suspicion.not_tested(probe);
                }
                self.pace.restart();
                None
            }
        }
    }

    fn refused(&mut self, job: u64, numbers: &[u32], connection: &Connection) -> Option<Settlement> {
        let number = *numbers.first()?;
        let suspicion = match &mut self.suspicion {
            Some(known) if (known.job, known.number) == (job, number) => known,
            suspicion => suspicion.insert(Suspicion::of(job, number, *numbers.last()?)),
        };
        suspicion.refusals += 1;
        if suspicion.refusals < HALVE_FROM {
            return None;
        }
        self.pace.halve(numbers.len());
        if numbers.len() > 1 {
            return None;
        }
        suspicion.is_alone = true;
        match connection.works {
            true => suspicion.strikes += 1,
            false => suspicion.refusals_alone += u32::from(connection.probe == Probe::Done),
        }
        if suspicion.strikes < STRIKES {
            return None;
        }
        self.suspicion = None;
        self.pace = Pace::default();
        Some(self.settle(job, numbers, vec![closed_upon()]))
    }

    fn settle(&mut self, job: u64, numbers: &[u32], fates: Vec<Fate>) -> Settlement {
        let at =
            self.jobs.iter().position(|other| other.key == job).expect("a window belongs to an open job");
        let job = &mut self.jobs[at];
        let settled = |number: &u32| numbers.binary_search(number).is_ok();
        job.sent -= job.open[..job.sent].iter().filter(|number| settled(number)).count();
        job.open.retain(|number| !settled(number));
        let (runs, items) = job.batch.extract(numbers);
        let (index, last) = (Arc::clone(&job.batch.index), job.open.is_empty());
        if last {
            self.jobs.remove(at);
        }
        Settlement { index, runs, items, fates, backing_index: None, last }
    }
}

impl Suspicion {
    fn of(job: u64, number: u32, until: u32) -> Self {
        Self {
            job,
            number,
            until,
            refusals: 0,
            strikes: 0,
            is_alone: false,
            refusals_alone: 0,
            is_silent: false,
            probes: 0,
        }
    }

    /// Notes that a connection ended while it was tried.
    fn not_tested(&mut self, tried: Probe) {
        match tried {
            Probe::Empty => self.is_silent = !self.is_silent,
            // Not taken either: that says nothing of the event, which is to be first again.
            Probe::Neighbour => self.refusals_alone = 0,
            Probe::NotTried | Probe::Done => {}
        }
    }

    /// Notes that these events were taken. True if none is left.
    fn is_cleared_by(&mut self, taken: &[u32]) -> bool {
        if !taken.contains(&self.number) {
            return false;
        }
        let Some(last) = taken.last().filter(|last| **last < self.until) else { return true };
        // The culprit is among the rest, so its next refusal halves at once.
        *self = Self { refusals: HALVE_FROM - 1, ..Self::of(self.job, last + 1, self.until) };
        false
    }
}

fn closed_upon() -> Fate {
    Fate::Refused(Box::new(Refusal {
        status: 0,
        kind: "connection_closed".into(),
        reason:
            "Logstash closed the connection upon this event, twice, while it takes others; its log says why"
                .into(),
    }))
}

#[cfg(test)]
mod tests;
