//! JSON arrays to Logstash's http input. One status decides over all events of a request.
//!
//! 2xx comes once all of them are in Logstash's queue. What is refused for its size, or cannot be read (400), is split down to
//! the culprit. Everything else is tried again, and holds where only an operator can help.

use super::backoff::Backoff;
use super::elasticsearch::{ClientError, Timing, http_client};
use super::{Fate, OutputState, Refusal, SettleSink, Settlement};
use crate::batch::{Batch, Body, Compressor, Form};
use crate::config::Http;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use tokio::sync::mpsc;
use tracing::{error, info, warn};

/// Sends batches, one request at a time, until the sender is dropped and every batch is settled.
pub async fn run(
    config: &Http,
    timing: Timing,
    mut batches: mpsc::Receiver<Batch>,
    settle: SettleSink,
    state: Arc<OutputState>,
) -> Result<(), ClientError> {
    let client = http_client(&config.login, &config.tls, 1, timing)?;
    state.update(|state| state.host.clone_from(&config.url));
    let backoff = Backoff::new(timing.backoff, RandomState::new().hash_one(0));
    let compressor = Compressor::of_form(Form::Array, config.compression);
    let mut sender = Sender { config, client, timing, settle, state, backoff, compressor, has_stored: false };
    while let Some(batch) = batches.recv().await {
        sender.deliver(batch).await;
    }
    Ok(())
}

/// What a status means for the events of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Stored,
    /// The server is busy or away.
    Again,
    /// Not as a whole.
    Split,
    /// Until an operator acts.
    Hold,
}

fn verdict(status: StatusCode) -> Verdict {
    match status.as_u16() {
        200..=299 => Verdict::Stored,
        400 | 413 => Verdict::Split,
        408 | 429 | 500..=599 => Verdict::Again,
        _ => Verdict::Hold,
    }
}

struct Sender<'a> {
    config: &'a Http,
    client: reqwest::Client,
    timing: Timing,
    settle: SettleSink,
    state: Arc<OutputState>,
    backoff: Backoff,
    compressor: Compressor,
    /// Some request has been stored: one that is not readable is then the fault of its events, not of the set-up.
    has_stored: bool,
}

impl Sender<'_> {
    async fn deliver(&mut self, batch: Batch) {
        let mut parts: Vec<Vec<u32>> = vec![(0..batch.items.len() as u32).collect()];
        while let Some(numbers) = parts.pop() {
            let part = batch.select(&numbers, &mut self.compressor);
            let status = self.until_decided(&part).await;
            match verdict(status) {
                Verdict::Stored => self.settle_part(part, Vec::new(), parts.is_empty()),
                _ if numbers.len() > 1 => {
                    let (first, second) = numbers.split_at(numbers.len() / 2);
                    parts.extend([second.to_vec(), first.to_vec()]);
                }
                _ => {
                    let refusal = Refusal {
                        status: status.as_u16(),
                        kind: "http_input".into(),
                        reason: format!("the http input answers {status} to this event alone"),
                    };
                    self.settle_part(part, vec![Fate::Refused(Box::new(refusal))], parts.is_empty());
                }
            }
        }
    }

    fn settle_part(&self, part: Batch, fates: Vec<Fate>, last: bool) {
        let Batch { index, runs, items, .. } = part;
        (self.settle)(Settlement { index, runs, items, fates, backing_index: None, last });
    }

    /// Sends until the answer says stored, or not like this.
    async fn until_decided(&mut self, part: &Batch) -> StatusCode {
        loop {
            let answer = self.post(part).await;
            let problem = match &answer {
                Ok(status) => match verdict(*status) {
                    Verdict::Stored => {
                        self.worked();
                        return *status;
                    }
                    Verdict::Split
                        if part.items.len() > 1
                            || self.has_stored
                            || *status == StatusCode::PAYLOAD_TOO_LARGE =>
                    {
                        return *status;
                    }
                    Verdict::Split | Verdict::Hold => {
                        let reason = format!(
                            "`{}` answers {status}: correct `output.http` or the input",
                            self.config.url
                        );
                        self.state.update(|state| state.hold(&part.index, &reason));
                        reason
                    }
                    Verdict::Again => format!("status {status}"),
                },
                Err(error) => crate::telemetry::chain(error),
            };
            self.failed(&problem);
            tokio::time::sleep(self.backoff.next_delay()).await;
        }
    }

    async fn post(&self, part: &Batch) -> Result<StatusCode, reqwest::Error> {
        self.state.update(|state| {
            state.requests += 1;
            state.bytes_sent += part.body.len() as u64;
            state.in_flight = 1;
        });
        let request = self
            .client
            .post(&self.config.url)
            .header(CONTENT_TYPE, "application/json")
            .timeout(self.timing.request);
        let request = match &part.body {
            Body::Plain(body) => request.body(body.clone()),
            Body::Gzip(body) => request.header(CONTENT_ENCODING, "gzip").body(body.clone()),
            Body::Zlib(body) => request.header(CONTENT_ENCODING, "deflate").body(body.clone()),
        };
        let answer = request.send().await.map_err(reqwest::Error::without_url);
        self.state.update(|state| state.in_flight = 0);
        let mut answer = answer?;
        let status = answer.status();
        // Read to its end, the connection serves again; what it says does not matter.
        while let Ok(Some(_)) = answer.chunk().await {}
        Ok(status)
    }

    fn worked(&mut self) {
        self.has_stored = true;
        if self.backoff.failures() > 0 {
            info!(host = %self.config.url, "output host works again");
            self.state.update(|state| state.held.clear());
        }
        self.backoff.reset();
        self.state.update(|state| {
            state.last_error = None;
            state.reachable = true;
        });
    }

    fn failed(&self, problem: &str) {
        let is_held = self.state.update(|state| {
            state.retries += 1;
            state.last_error = Some(problem.to_owned());
            state.reachable = !state.held.is_empty();
            state.reachable
        });
        match self.backoff.failures() {
            0 if is_held => {
                error!(host = %self.config.url, error = problem, "output is held, nothing is dropped")
            }
            0 => warn!(host = %self.config.url, error = problem, "output host in trouble, trying again"),
            _ => {}
        }
    }
}
