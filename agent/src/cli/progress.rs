//! How far `once` is: a bar on a terminal, a line every few seconds elsewhere, the accounts at the end.

use crate::ack::Counts;
use crate::pipeline::OnceProgress;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two lines where no bar can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Draws on standard error; standard output may carry the events.
pub(super) struct Progress {
    started: Instant,
    shape: Shape,
}

enum Shape {
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Progress {
    pub(super) fn start() -> Self {
        let started = Instant::now();
        let shape = match std::io::stderr().is_terminal() {
            true => Shape::Bar(bar()),
            false => Shape::Lines { last: started },
        };
        Self { started, shape }
    }

    pub(super) fn show(&mut self, now: &OnceProgress) {
        match &mut self.shape {
            Shape::Bar(bar) => {
                bar.set_length(now.bytes_total.max(now.bytes_read));
                bar.set_position(now.bytes_read);
                bar.set_message(format!("{} stored", stored(&now.counts)));
            }
            Shape::Lines { last } if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                eprintln!("{}", line(now, self.started.elapsed()));
            }
            Shape::Lines { .. } => {}
        }
    }

    /// The last word: the accounts.
    pub(super) fn finish(self, last: &OnceProgress) {
        let elapsed = self.started.elapsed();
        self.abandon();
        eprintln!("{}", summary(last, elapsed));
    }

    pub(super) fn abandon(self) {
        if let Shape::Bar(bar) = self.shape {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:30} {percent:>3}%  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
    );
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Events that are at the server.
fn stored(counts: &Counts) -> u64 {
    counts.delivered + counts.duplicate
}

fn line(now: &OnceProgress, elapsed: Duration) -> String {
    let total = match now.bytes_total {
        0 => String::new(),
        total => format!(" of {}", HumanBytes(total.max(now.bytes_read))),
    };
    let rate = HumanBytes(per_second(now.bytes_read, elapsed));
    format!(
        "read {}{total}, {rate}/s, {} events, {} stored",
        HumanBytes(now.bytes_read),
        now.counts.read,
        stored(&now.counts)
    )
}

fn per_second(count: u64, elapsed: Duration) -> u64 {
    (count as f64 / elapsed.as_secs_f64().max(0.001)) as u64
}

fn summary(last: &OnceProgress, elapsed: Duration) -> String {
    let counts = &last.counts;
    let mut text = format!(
        "{} events read ({}), {} delivered, {} duplicate",
        counts.read,
        HumanBytes(last.bytes_read),
        counts.delivered,
        counts.duplicate
    );
    let rest = [
        (counts.dead_lettered, "refused for good"),
        (counts.filtered, "filtered"),
        (counts.lost_events(), "lost"),
        (counts.pending, "not delivered"),
    ];
    for (count, name) in rest.into_iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {count} {name}"));
    }
    let rate = per_second(counts.read, elapsed);
    text.push_str(&format!(", in {:.1} s ({rate} events/s)", elapsed.as_secs_f64()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(read: u64, pending: u64) -> OnceProgress {
        let counts = Counts { read, delivered: read - pending, pending, ..Counts::default() };
        OnceProgress { bytes_read: 2048, bytes_total: 4096, counts }
    }

    #[test]
    fn lines_tell_how_far_it_is() {
        let text = line(&at(10, 3), Duration::from_secs(2));
        assert_eq!(text, "read 2.00 KiB of 4.00 KiB, 1.00 KiB/s, 10 events, 7 stored");
    }

    #[test]
    fn summary_names_every_account_that_is_not_empty() {
        let text = summary(&at(10, 3), Duration::from_secs(2));
        assert_eq!(
            text,
            "10 events read (2.00 KiB), 7 delivered, 0 duplicate, 3 not delivered, in 2.0 s (5 events/s)"
        );
    }
}
