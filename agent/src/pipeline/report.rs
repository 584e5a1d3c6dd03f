//! What operators are told: the status report and the agent's own metric event.

use super::tailer::Tailer;
use crate::ack::accounts::Lost;
use crate::ack::{Counts, Loss};
use crate::event::Filtered;
use crate::file::tailed::{Identity, Standing, Tailed};
use crate::monitoring::{
    Accounts, Bytes, FileStatus, Memory, OutputStatus, ProcessorStatus, QueueStatus, StatusReport,
};
use crate::queue::{Queue, QueueFacts};
use crate::receiver::Listener;
use std::path::Path;
use std::time::{Duration, Instant};

/// Pending events without any verdict for so long mean "stuck".
const STUCK_AFTER: Duration = Duration::from_secs(30);

impl Tailer {
    /// The present report.
    pub(super) fn report(&self) -> StatusReport {
        let now = Instant::now();
        let counts = self.parts.accounts.snapshot();
        let output = self.parts.output.snapshot();
        StatusReport {
            version: env!("CARGO_PKG_VERSION").into(),
            uptime_ms: (now - self.started).as_millis() as u64,
            ready: output.held.is_empty() && self.refused.is_empty() && !self.is_stuck(now),
            held: output.held,
            accounts: Accounts {
                read: counts.read,
                delivered: counts.delivered,
                duplicate: counts.duplicate,
                dead_lettered: counts.dead_lettered,
                filtered: counts.filtered,
                lost: counts.lost_events(),
                pending: counts.pending,
            },
            bytes: Bytes {
                read: counts.bytes_read,
                sent: output.bytes_sent,
                lost: counts.lost_bytes(),
                dead_letters: self.dead_letter_bytes(),
            },
            losses: losses(&counts),
            oddities: self.oddities,
            processors: self.parts.intake.filtered().map(processor_status).collect(),
            id_collisions: counts.id_collisions,
            files: self.parts.table.files().map(|file| file_status(file, now)).collect(),
            queues: self.streams().map(|queue| queue_status(queue)).collect(),
            listeners: self.parts.listeners.iter().map(Listener::report).collect(),
            output: OutputStatus {
                host: output.host,
                in_flight: output.in_flight,
                retries: output.retries,
                last_error: output.last_error,
            },
            memory: Memory { used: resident_bytes(), limit: self.parts.limits.memory },
        }
    }

    /// Events wait and nothing moves, or the output does not answer.
    fn is_stuck(&self, now: Instant) -> bool {
        let pending = self.parts.accounts.snapshot().pending > 0;
        let output = self.parts.output.snapshot();
        (pending && now - self.progress_at > STUCK_AFTER)
            || (!output.reachable && output.last_error.is_some())
    }

    /// Age of the oldest line without verdict.
    pub(super) fn lag(&self, now: Instant) -> Duration {
        let oldest = self.parts.table.files().filter_map(Tailed::pending_since).min();
        oldest.map_or(Duration::ZERO, |since| now - since)
    }
}

fn losses(counts: &Counts) -> Vec<crate::monitoring::Loss> {
    let costly = Loss::ALL.into_iter().filter(|loss| counts.lost_by(*loss).times > 0);
    let told = costly.map(|loss| {
        let Lost { times, events, bytes } = counts.lost_by(loss);
        crate::monitoring::Loss { reason: loss.name().into(), times, events, bytes }
    });
    told.collect()
}

fn processor_status(of: Filtered) -> ProcessorStatus {
    ProcessorStatus { number: of.number, processor: of.processor.into(), filtered: of.events }
}

fn file_status(file: &Tailed, now: Instant) -> FileStatus {
    let lag = file.pending_since().map_or(Duration::ZERO, |since| now - since);
    FileStatus {
        path: readable(&file.path),
        inode: file.physical.inode,
        size: file.size,
        read: file.framed(),
        settled: file.ledger.settled(),
        checkpointed: file.checkpointed,
        lag_ms: lag.as_millis() as u64,
        state: state(file).into(),
    }
}

fn queue_status(queue: &Queue) -> QueueStatus {
    let facts = queue.facts();
    let state = match facts {
        QueueFacts { is_full: true, .. } => "full",
        QueueFacts { has_ended: true, .. } => "ended",
        _ => "open",
    };
    QueueStatus { name: queue.name(), bytes: facts.bytes, limit: facts.limit, state: state.into() }
}

fn state(file: &Tailed) -> &'static str {
    match (file.standing, &file.identity) {
        _ if file.trouble.is_some() => "unreadable",
        (Standing::Overwritten { .. }, _) => "truncated",
        (Standing::Detached { deleted: true, .. }, _) => "deleted",
        (Standing::Detached { deleted: false, .. }, _) => "rotated",
        (Standing::Missing { .. }, _) => "missing",
        (Standing::Present, Identity::MaybeCopy { .. }) => "waiting",
        (Standing::Present, _) if file.unread() > 0 || !file.is_settled() => "reading",
        (Standing::Present, _) => "idle",
    }
}

/// The path as text: bytes that are not UTF-8 and control characters are escaped.
pub(super) fn readable(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match character.is_control() {
                true => text.extend(character.escape_default()),
                false => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Resident memory of this process; 0 where the system does not tell.
pub(super) fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// CPU time of this process, user and system.
pub(super) fn cpu_seconds() -> f64 {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    clock.tv_sec as f64 + clock.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn path_is_shown_without_control_characters_or_broken_utf8() {
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/var/a\xff\x1b[1m\n\xc3\xa9.log"));
        assert_eq!(readable(path), "/var/a\\xff\\u{1b}[1m\\né.log");
    }
}
