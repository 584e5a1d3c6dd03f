//! One peer: load, idle, latency.

use super::{Comparison, Course, Peer};
use crate::line::Origin;
use crate::process::{Memory, Process};
use crate::sink::{Record, Sink, Totals};
use crate::writer::{Clock, LogWriter, Pace, Rotation};
use anyhow::{Context, Result, bail};
use std::time::{Duration, Instant};

/// Writer of the live lines.
const LIVE_WRITER: u32 = 2;

/// Longest time without a new event while events are due.
const PATIENCE: Duration = Duration::from_secs(60);

/// Figures of one peer.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Measurement {
    /// Who.
    pub name: String,
    /// Whether it is this project's agent.
    pub blueox: bool,
    /// Whether its requests were smaller than what was in them.
    pub compressed: bool,
    /// What the sink took until the large file was through.
    pub load: Totals,
    /// Seconds from start until then.
    pub wall_seconds: f64,
    /// User and system seconds until then, start included.
    pub cpu_seconds: f64,
    /// Lines per such second.
    pub events_per_cpu_second: f64,
    /// Bytes on the wire per event: megabytes per million.
    pub wire_bytes_per_event: f64,
    /// Highest resident memory until then, in bytes.
    pub peak_resident: u64,
    /// Memory after a quiet time.
    pub idle: Memory,
    /// Share of one core used in that time, in percent.
    pub idle_cpu_percent: f64,
    /// From the `write` of a line to the arrival of its request.
    pub latency: Option<Latency>,
}

/// Latencies in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Latency {
    /// Half are below.
    pub p50: f64,
    /// 99 in 100 are below.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// Lines measured.
    pub lines: usize,
    /// Lines that never came.
    pub missing: usize,
}

pub(super) fn measure(comparison: &Comparison, peer: &Peer, course: &Course) -> Result<Measurement> {
    let sink = Sink::start(([127, 0, 0, 1], 0).into(), &Record::Arrivals, comparison.items)
        .context("start the sink")?;
    let origin = Origin { seed: comparison.seed, writer: LIVE_WRITER, format: comparison.format };
    let mut live = LogWriter::open(&course.live, origin, Clock::System, Rotation::None)?;
    // A first line, so that finding the file is not part of the latency.
    live.write(1)?;

    let command = peer.command(course, sink.address())?;
    let started = Instant::now();
    let mut process = Process::start(&peer.name(), command, &course.home.join("log"))?;
    wait_for(&mut process, &sink, comparison.lines + 1)?;
    let wall = started.elapsed();
    let cpu = process.cpu()?;
    let load = sink.totals();
    let peak_resident = process.peak_resident()?;

    std::thread::sleep(comparison.idle);
    process.alive()?;
    let idle_cpu = process.cpu()?.saturating_sub(cpu);
    let idle = process.memory()?;

    sink.take_arrivals();
    let written = write_live(comparison, &mut live)?;
    let latency = collect(&mut process, &sink, &written)?;
    // Killed by drop where it does not stop; that is no finding about its speed.
    let _ = process.stop(Duration::from_secs(15));

    let events = load.events as f64;
    Ok(Measurement {
        name: peer.name(),
        blueox: peer.is_blueox(),
        compressed: load.wire_bytes < load.body_bytes,
        load,
        wall_seconds: wall.as_secs_f64(),
        cpu_seconds: cpu.as_secs_f64(),
        events_per_cpu_second: events / cpu.as_secs_f64().max(0.01),
        wire_bytes_per_event: load.wire_bytes as f64 / events,
        peak_resident,
        idle,
        idle_cpu_percent: 100.0 * idle_cpu.as_secs_f64() / comparison.idle.as_secs_f64().max(0.001),
        latency,
    })
}

/// Waits until the sink has `events`.
fn wait_for(process: &mut Process, sink: &Sink, events: u64) -> Result<()> {
    let mut seen = 0;
    let mut since = Instant::now();
    loop {
        let now = sink.totals().events;
        if now >= events {
            return Ok(());
        }
        process.alive()?;
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
        if since.elapsed() > PATIENCE {
            bail!(
                "no event came for {PATIENCE:?}, {now} of {events} are here; the log ends:\n{}",
                process.log_tail()
            );
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Writes live lines; the moment each was written, from sequence number 1 on.
fn write_live(comparison: &Comparison, live: &mut LogWriter) -> Result<Vec<Instant>> {
    let lines = (comparison.live.as_secs_f64() * comparison.live_rate as f64) as usize;
    let mut written = Vec::with_capacity(lines);
    let mut pace = Pace::new(comparison.live_rate);
    while written.len() < lines {
        for _ in 0..pace.wait() {
            written.push(Instant::now());
            live.write(1)?;
        }
    }
    Ok(written)
}

/// Waits for the live lines; `None` where there were none.
fn collect(process: &mut Process, sink: &Sink, written: &[Instant]) -> Result<Option<Latency>> {
    let mut arrived: Vec<Option<Instant>> = vec![None; written.len()];
    let mut missing = written.len();
    let mut since = Instant::now();
    while missing > 0 && since.elapsed() < PATIENCE {
        process.alive()?;
        for (mark, moment) in sink.take_arrivals() {
            let at = mark.sequence.checked_sub(1).and_then(|at| usize::try_from(at).ok());
            let Some(slot) = at.and_then(|at| arrived.get_mut(at)) else { continue };
            if mark.writer == LIVE_WRITER && slot.is_none() {
                *slot = Some(moment);
                missing -= 1;
                since = Instant::now();
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let delays = written.iter().zip(&arrived).filter_map(|(written, arrived)| {
        Some((*arrived)?.saturating_duration_since(*written).as_secs_f64() * 1000.0)
    });
    Ok(Latency::of(delays.collect(), missing))
}

impl Latency {
    fn of(mut delays: Vec<f64>, missing: usize) -> Option<Self> {
        delays.sort_by(f64::total_cmp);
        let max = *delays.last()?;
        // The smallest value that at least this share does not exceed.
        let rank =
            |share: f64| delays[((delays.len() as f64 * share).ceil() as usize).clamp(1, delays.len()) - 1];
        Some(Self { p50: rank(0.5), p99: rank(0.99), max, lines: delays.len(), missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks_of_what_was_measured() {
        let latency = Latency::of((1..=200).rev().map(f64::from).collect(), 3).expect("delays");
        assert_eq!((latency.p50, latency.p99, latency.max), (100.0, 198.0, 200.0));
        assert_eq!((latency.lines, latency.missing), (200, 3));
        assert_eq!(Latency::of(Vec::new(), 0), None);
        assert_eq!(Latency::of(vec![5.0], 0).map(|latency| (latency.p50, latency.p99)), Some((5.0, 5.0)));
    }
}
