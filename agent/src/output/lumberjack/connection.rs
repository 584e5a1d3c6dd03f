//! Moves bytes between a queue and one connection. Decides only when silence has lasted too long.

use super::Timing;
use super::frame::AckReader;
use super::queue::{Ended, Queue, Step};
use crate::batch::Batch;
use crate::output::link::Link;
use crate::output::{OutputState, SettleSink};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// What a turn at writing has done.
enum Advance {
    Wrote(usize),
    Flushed,
}

/// Writes some of `next`, or flushes where there is nothing to write. Dropped before its end, it has done nothing.
async fn advance(writer: &mut WriteHalf<Link>, next: &[u8]) -> io::Result<Advance> {
    match next.is_empty() {
        true => writer.flush().await.map(|()| Advance::Flushed),
        false => writer.write(next).await.map(Advance::Wrote),
    }
}

/// How a conversation ended.
#[derive(Debug)]
pub(super) enum Farewell {
    /// No batch will come any more and all are settled.
    Finished,
    /// Nothing was under way.
    Idle,
    /// Something was under way.
    Lost(Ended, String),
}

/// What a conversation needs of its output.
pub(super) struct Output<'a> {
    pub(super) timing: &'a Timing,
    pub(super) batches: &'a mut mpsc::Receiver<Batch>,
    /// The sender of batches is gone.
    pub(super) is_closed: bool,
    pub(super) settle: &'a SettleSink,
    pub(super) state: &'a OutputState,
}

pub(super) struct Connection {
    reader: ReadHalf<Link>,
    writer: WriteHalf<Link>,
    to_write: VecDeque<Bytes>,
    to_flush: bool,
    acks: AckReader,
    /// Bytes moved in either direction.
    moved_at: Instant,
    /// An event was taken, or the first of those under way was sent.
    taken_at: Instant,
    has_heard: bool,
}

impl Connection {
    pub(super) fn new(link: Link) -> Self {
        let (reader, writer) = tokio::io::split(link);
        let now = Instant::now();
        Self {
            reader,
            writer,
            to_write: VecDeque::new(),
            to_flush: false,
            acks: AckReader::default(),
            moved_at: now,
            taken_at: now,
            has_heard: false,
        }
    }

    /// Sends what the queue holds and what comes, until the connection ends or is not needed.
    pub(super) async fn converse(&mut self, queue: &mut Queue, output: &mut Output<'_>) -> Farewell {
        let mut piece = [0; 512];
        loop {
            self.fill(queue, output.state);
            if output.is_closed && queue.is_empty() {
                return Farewell::Finished;
            }
            let until = self.patience(queue, output.timing);
            let next = self.to_write.front().cloned().unwrap_or_default();
            tokio::select! {
                read = self.reader.read(&mut piece) => match read {
                    Ok(0) => return self.closed(queue, None),
                    Ok(len) => {
                        if let Err(farewell) = self.hear(&piece[..len], queue, output) {
                            return farewell;
                        }
                    }
                    Err(error) => return self.closed(queue, Some(&error)),
                },
                written = advance(&mut self.writer, &next), if !next.is_empty() || self.to_flush => match written {
                    Ok(Advance::Flushed) => self.to_flush = false,
                    Ok(Advance::Wrote(0)) => return self.closed(queue, None),
                    Ok(Advance::Wrote(len)) => self.wrote(len),
                    Err(error) => return self.closed(queue, Some(&error)),
                },
                batch = output.batches.recv(), if !output.is_closed => match batch {
                    Some(batch) => queue.push(batch),
                    None => output.is_closed = true,
                },
                () = tokio::time::sleep_until(until) => {
                    if let Some(farewell) = self.silence(queue, output.timing) {
                        return farewell;
                    }
                }
            }
        }
    }

    /// Says goodbye, so that a TLS peer does not take it for a cut.
    pub(super) async fn close(mut self, timing: &Timing) {
        // It is gone in any case.
        let _ = tokio::time::timeout(timing.probe, self.writer.shutdown()).await;
    }

    fn fill(&mut self, queue: &mut Queue, state: &OutputState) {
        loop {
            let awaited = queue.awaits_answer();
            let frames = match queue.next_step() {
                Step::Wait => return,
                Step::Probe(frame) => vec![frame],
                Step::Send(frames) => frames,
            };
            if !awaited {
                self.taken_at = Instant::now();
                self.moved_at = self.taken_at;
            }
            state.update(|state| {
                state.requests += 1;
                state.bytes_sent += frames.iter().map(|frame| frame.len() as u64).sum::<u64>();
                state.in_flight = queue.windows() as u64;
            });
            self.to_write.extend(frames);
        }
    }

    fn wrote(&mut self, len: usize) {
        self.moved_at = Instant::now();
        self.to_flush = true;
        let Some(front) = self.to_write.front_mut() else { return };
        front.advance(len);
        if front.is_empty() {
            self.to_write.pop_front();
        }
    }

    fn hear(&mut self, piece: &[u8], queue: &mut Queue, output: &mut Output<'_>) -> Result<(), Farewell> {
        let lost = |error: String| Farewell::Lost(Ended::Otherwise, error);
        self.moved_at = Instant::now();
        let mut acks = Vec::new();
        self.acks.receive(piece, &mut acks).map_err(|error| lost(error.to_string()))?;
        self.has_heard = true;
        for ack in acks {
            if let Some(settlement) = queue.receive(ack).map_err(|error| lost(error.to_string()))? {
                self.taken_at = self.moved_at;
                (output.settle)(settlement);
            }
            output.state.update(|state| {
                state.in_flight = queue.windows() as u64;
                state.signs_of_life += u64::from(ack == 0);
                if ack > 0 {
                    state.reachable = true;
                    state.last_error = None;
                }
            });
        }
        Ok(())
    }

    /// When something has to be done about silence.
    fn patience(&self, queue: &Queue, timing: &Timing) -> Instant {
        match queue.awaits_answer() {
            true if queue.is_probing() => self.moved_at + timing.probe,
            true => (self.moved_at + timing.answer).min(self.taken_at + timing.window),
            false => self.moved_at + timing.idle,
        }
    }

    fn silence(&mut self, queue: &mut Queue, timing: &Timing) -> Option<Farewell> {
        if Instant::now() < self.patience(queue, timing) {
            return None;
        }
        if queue.is_probing() {
            queue.unanswered();
            return None;
        }
        if !queue.awaits_answer() {
            return Some(Farewell::Idle);
        }
        let error = match self.moved_at + timing.answer <= Instant::now() {
            true => format!("no answer for {} s{}", timing.answer.as_secs_f32(), self.guess()),
            false => {
                format!("at work on one window for {} s without taking an event", timing.window.as_secs_f32())
            }
        };
        Some(Farewell::Lost(Ended::Otherwise, error))
    }

    fn closed(&self, queue: &Queue, error: Option<&io::Error>) -> Farewell {
        if !queue.awaits_answer() {
            return Farewell::Idle;
        }
        let how = match error {
            Some(error) => format!("the connection broke: {error}"),
            None if self.acks.is_in_a_frame() => "the peer closed the connection within a frame".to_owned(),
            None => "the peer closed the connection".to_owned(),
        };
        Farewell::Lost(Ended::ByPeer, how + self.guess())
    }

    /// What is likely wrong with a peer that has never answered.
    fn guess(&self) -> &'static str {
        match self.has_heard {
            true => "",
            false => {
                "; it has not answered yet: is this the port of a beats input, and does it speak TLS or not as configured?"
            }
        }
    }
}
