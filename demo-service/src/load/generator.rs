//! Sends the requests of a plan when they are due.

use super::client::Client;
use super::journal;
use super::mix::Turns;
use super::plan::{Model, Plan};
use super::tally::{Outcome, Tally};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Longest sleep before the next look at whether to go on.
const NAP: Duration = Duration::from_millis(100);

/// A plan at work.
#[derive(Debug)]
pub struct Generator {
    plan: Plan,
    client: Client,
    turns: Mutex<Turns>,
    /// By endpoint, since they were last taken.
    tallies: Mutex<Vec<Tally>>,
    /// One for each request that may be in flight.
    permits: Arc<Semaphore>,
    permits_all: u32,
    start: Instant,
    run_id: u64,
    sent: AtomicU64,
    stopped: AtomicBool,
}

/// A request that is due.
#[derive(Debug, Clone, Copy)]
struct Ticket {
    endpoint: usize,
    target: usize,
    due: Duration,
}

impl Generator {
    /// Starts the clock of the run.
    pub fn new(plan: Plan) -> Arc<Self> {
        let permits_all = match plan.asked.model {
            Model::Open => plan.asked.in_flight,
            Model::Closed => plan.shape.users_max().ceil() as u32,
        };
        Arc::new(Self {
            client: Client::new(&plan),
            turns: Mutex::new(Turns::new(&plan.asked.mix, plan.asked.targets.len())),
            tallies: Mutex::new(blank(&plan)),
            permits: Arc::new(Semaphore::new(permits_all as usize)),
            permits_all,
            start: Instant::now(),
            run_id: jiff::Timestamp::now().as_nanosecond() as u64 ^ (u64::from(std::process::id()) << 40),
            sent: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            plan,
        })
    }

    /// Sends everything that is due until the end of the plan or [`Self::stop`], and waits for the last answer.
    pub async fn run(self: Arc<Self>) {
        match self.plan.asked.model {
            Model::Open => self.run_open().await,
            Model::Closed => self.run_closed().await,
        }
        let all = self.permits.acquire_many(self.permits_all).await;
        // Users that are still thinking find no way to send any more.
        self.permits.close();
        drop(all);
    }

    /// Lets nothing more be sent.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Requests that wait for their answers.
    pub fn in_flight(&self) -> usize {
        self.permits_all as usize - self.permits.available_permits()
    }

    /// What was counted since the last call, by endpoint.
    pub fn take(&self) -> Vec<Tally> {
        std::mem::replace(&mut *lock(&self.tallies), blank(&self.plan))
    }

    /// A thread keeps the schedule: timers of the runtime are a millisecond coarse, which would count as latency.
    async fn run_open(self: &Arc<Self>) {
        let (this, runtime) = (Arc::clone(self), Handle::current());
        let pace = move || {
            for due in this.plan.shape.arrivals(this.plan.asked.think_time) {
                if !this.sleep_until(due) {
                    break;
                }
                this.launch(due, &runtime);
            }
        };
        tokio::task::spawn_blocking(pace).await.expect("keeping a schedule does not panic");
    }

    /// False where the run was stopped before.
    fn sleep_until(&self, due: Duration) -> bool {
        loop {
            let left = due.saturating_sub(self.elapsed());
            if left.is_zero() || self.stopped.load(Ordering::Relaxed) {
                return left.is_zero();
            }
            std::thread::sleep(left.min(NAP));
        }
    }

    fn launch(self: &Arc<Self>, due: Duration, runtime: &Handle) {
        let ticket = self.ticket(due);
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return self.record(ticket, Outcome::Dropped, "", due);
        };
        let this = Arc::clone(self);
        runtime.spawn(async move {
            this.send(ticket).await;
            drop(permit);
        });
    }

    async fn run_closed(self: &Arc<Self>) {
        for number in 0..self.permits_all {
            tokio::spawn(Arc::clone(self).user(number));
        }
        while self.goes_on() {
            tokio::time::sleep(NAP).await;
        }
    }

    /// Asks and thinks in turn while the shape has room for this user.
    async fn user(self: Arc<Self>, number: u32) {
        // Users do not start in step.
        let think = self.plan.asked.think_time;
        tokio::time::sleep(think.mul_f64(f64::from(number) / f64::from(self.permits_all))).await;
        while self.goes_on() {
            let due = self.elapsed();
            if f64::from(number) >= self.plan.shape.users_at(due) {
                tokio::time::sleep(NAP).await;
                continue;
            }
            let Ok(permit) = self.permits.acquire().await else { return };
            self.send(self.ticket(due)).await;
            drop(permit);
            tokio::time::sleep(think).await;
        }
    }

    fn goes_on(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed) && self.elapsed() < self.plan.shape.duration
    }

    fn ticket(&self, due: Duration) -> Ticket {
        let (endpoint, target) = lock(&self.turns).take();
        Ticket { endpoint, target, due }
    }

    async fn send(&self, ticket: Ticket) {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let trace_id = format!("{:016x}{number:016x}", self.run_id);
        let phase = self.plan.shape.phase_at(ticket.due);
        let sent = self.elapsed();
        let outcome = self.client.send((ticket.endpoint, ticket.target), phase, &trace_id).await;
        self.record(ticket, outcome, &trace_id, sent);
    }

    fn record(&self, ticket: Ticket, outcome: Outcome, trace_id: &str, sent: Duration) {
        let latency = self.elapsed().saturating_sub(ticket.due);
        lock(&self.tallies)[ticket.endpoint].record(outcome, latency);
        if self.plan.asked.log_requests {
            let endpoint = &self.plan.asked.mix.endpoint(ticket.endpoint).name;
            journal::request(endpoint, outcome, trace_id, [ticket.due, sent, latency]);
        }
    }
}

fn blank(plan: &Plan) -> Vec<Tally> {
    plan.asked.mix.endpoints().map(|_| Tally::default()).collect()
}

/// Counts stay true where a thread that held them has panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
