//! A bound on repeated records: one place in the code writes at most 20 in ten seconds; then one record says how many more
//! there were. Memory: one small entry for each place that wrote within the last ten seconds, so bounded by the program.

use super::bounded;
use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, error, info, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Records of one place within one window.
const MAX_RECORDS: u32 = 20;

/// Length of a window; it begins with the first record.
const WINDOW: Duration = Duration::from_secs(10);

/// Bytes of the message a summary quotes.
const MAX_QUOTE: usize = 200;

/// The layer of this process, for [`flush`].
static INSTALLED: OnceLock<RepeatLayer> = OnceLock::new();

/// A place in the code that writes records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    target: &'static str,
    file: Option<&'static str>,
    line: Option<u32>,
    level: Level,
}

impl Place {
    fn of(metadata: &Metadata<'static>) -> Self {
        let (target, file) = (metadata.target(), metadata.file());
        Self { target, file, line: metadata.line(), level: *metadata.level() }
    }
}

/// What one place has written and what it was kept from writing.
#[derive(Debug)]
struct Window {
    began: Instant,
    admitted: u32,
    suppressed: u64,
    /// When a summary is due: the end of the window in which suppression began.
    due: Option<Instant>,
    message: String,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    Admitted,
    /// Suppressed; the first one since the last summary.
    Begins,
    Suppressed,
}

/// How many records of a place were suppressed.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    place: Place,
    message: String,
    suppressed: u64,
}

/// The counting, without clock or output.
#[derive(Debug, Default)]
struct Repeats {
    windows: HashMap<Place, Window>,
}

impl Repeats {
    fn admit(&mut self, place: Place, now: Instant) -> Admission {
        let fresh = || Window { began: now, admitted: 0, suppressed: 0, due: None, message: String::new() };
        let window = self.windows.entry(place).or_insert_with(fresh);
        if now >= window.began + WINDOW {
            window.began = now;
            window.admitted = 0;
        }
        if window.admitted < MAX_RECORDS {
            window.admitted += 1;
            return Admission::Admitted;
        }
        window.suppressed += 1;
        match window.due {
            Some(_) => Admission::Suppressed,
            None => {
                window.due = Some(window.began + WINDOW);
                Admission::Begins
            }
        }
    }

    /// The message the next summary quotes.
    fn quote(&mut self, place: Place, message: String) {
        if let Some(window) = self.windows.get_mut(&place) {
            window.message = message;
        }
    }

    /// Takes the summaries due at `now`, and forgets places that have been quiet for a window.
    fn take_due(&mut self, now: Instant) -> Vec<Summary> {
        let due = self.windows.iter_mut().filter(|(_, window)| window.due.is_some_and(|due| due <= now));
        let summaries = due.map(|(place, window)| window.summary(*place)).collect();
        self.windows.retain(|_, window| window.due.is_some() || now < window.began + WINDOW);
        summaries
    }

    /// Takes the summaries of everything suppressed so far.
    fn take_all(&mut self) -> Vec<Summary> {
        let open = self.windows.iter_mut().filter(|(_, window)| window.due.is_some());
        open.map(|(place, window)| window.summary(*place)).collect()
    }

    fn next_due(&self) -> Option<Instant> {
        self.windows.values().filter_map(|window| window.due).min()
    }
}

impl Window {
    fn summary(&mut self, place: Place) -> Summary {
        self.due = None;
        let suppressed = std::mem::take(&mut self.suppressed);
        Summary { place, message: std::mem::take(&mut self.message), suppressed }
    }
}

/// Keeps records of places that have written too many from all other layers.
#[derive(Debug, Clone, Default)]
pub(super) struct RepeatLayer(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    repeats: Mutex<Repeats>,
    begins: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Repeats> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until summaries are due. Sleeps without a wake-up while nothing is suppressed.
    fn wait_for_due(&self) -> Vec<Summary> {
        let mut repeats = self.lock();
        loop {
            let now = Instant::now();
            repeats = match repeats.next_due() {
                Some(due) if due <= now => return repeats.take_due(now),
                Some(due) => {
                    let woken = self.begins.wait_timeout(repeats, due - now);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.begins.wait(repeats).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl RepeatLayer {
    /// Starts the thread that writes the summaries; it lives as long as the process.
    pub(super) fn start(&self) -> io::Result<()> {
        let shared = self.0.clone();
        let write = move || {
            loop {
                shared.wait_for_due().iter().for_each(write);
            }
        };
        std::thread::Builder::new().name("log-repeats".into()).spawn(write)?;
        // Only one log can be installed, so the cell is empty.
        INSTALLED.get_or_init(|| self.clone());
        Ok(())
    }
}

impl<S: Subscriber> Layer<S> for RepeatLayer {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // Summaries: at most one a place and window.
        if metadata.target() == module_path!() {
            return true;
        }
        let place = Place::of(metadata);
        let admission = self.0.lock().admit(place, Instant::now());
        if admission == Admission::Begins {
            // Never under the lock: this runs `Display` of others, which may panic, and the panic hook writes a record.
            let message = message(event);
            self.0.lock().quote(place, message);
            self.0.begins.notify_one();
        }
        admission == Admission::Admitted
    }
}

fn message(event: &Event<'_>) -> String {
    struct Message(String);
    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            if field.name() == "message" {
                self.0 = bounded(&format!("{value:?}"), MAX_QUOTE);
            }
        }
    }
    let mut message = Message(String::new());
    event.record(&mut message);
    message.0
}

/// Writes the summaries of what has been suppressed so far; to call before the process ends.
pub fn flush() {
    if let Some(RepeatLayer(shared)) = INSTALLED.get() {
        let summaries = shared.lock().take_all();
        summaries.iter().for_each(write);
    }
}

/// Writes a summary at the level of what it sums up, so that the same setting shows both.
fn write(summary: &Summary) {
    let Summary { place, message, suppressed } = summary;
    let at = format!("{}:{}", place.file.unwrap_or(place.target), place.line.unwrap_or(0));
    match place.level {
        Level::ERROR => error!(repeated = %message, at, suppressed, "repeated records suppressed"),
        Level::WARN => warn!(repeated = %message, at, suppressed, "repeated records suppressed"),
        _ => info!(repeated = %message, at, suppressed, "repeated records suppressed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32) -> Place {
        Place { target: "blueox::x", file: Some("x.rs"), line: Some(line), level: Level::WARN }
    }

    fn admitted(repeats: &mut Repeats, place: Place, now: Instant, times: u32) -> usize {
        (0..times).filter(|_| repeats.admit(place, now) == Admission::Admitted).count()
    }

    #[test]
    fn noisy_place_is_bounded_and_others_are_not() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        assert_eq!(admitted(&mut repeats, place(1), now, 1000), 20);
        assert_eq!(admitted(&mut repeats, place(2), now, 20), 20);
        assert_eq!(admitted(&mut repeats, place(1), now + WINDOW, 1000), 20);
    }

    #[test]
    fn every_suppressed_record_is_in_exactly_one_summary() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        admitted(&mut repeats, place(1), now, 19);
        assert_eq!(repeats.next_due(), None);
        let admissions: Vec<_> = (0..3).map(|_| repeats.admit(place(1), now)).collect();
        assert_eq!(admissions, [Admission::Admitted, Admission::Begins, Admission::Suppressed]);
        repeats.quote(place(1), "line cut".into());
        assert_eq!(repeats.next_due(), Some(now + WINDOW));
        assert_eq!(repeats.take_due(now + WINDOW - Duration::from_nanos(1)), []);

        let next = now + WINDOW;
        admitted(&mut repeats, place(1), next, 25);
        let summary = Summary { place: place(1), message: "line cut".into(), suppressed: 7 };
        assert_eq!(repeats.take_due(next), [summary]);
        assert_eq!(repeats.take_due(next + WINDOW), []);

        admitted(&mut repeats, place(1), next + 2 * WINDOW, 21);
        assert_eq!(repeats.take_all().len(), 1);
        assert_eq!(repeats.take_all(), []);
    }

    #[test]
    fn quiet_places_are_forgotten() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for line in 0..100 {
            admitted(&mut repeats, place(line), now, 30);
        }
        assert_eq!(repeats.take_due(now + WINDOW).len(), 100);
        assert!(repeats.windows.is_empty());
    }
}
