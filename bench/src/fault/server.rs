//! The plan carried out on sockets.

use super::plan::{Fault, Plan, Step};
use super::store::{Document, Keep, Store};
use super::traffic::{Traffic, Visit};
use crate::bulk::{Answer, Detail, Item, ItemError, Outcome, items, refusal};
use crate::http::{Exchange, Framing, Server, Service};
use crate::journal::Journal;
use crate::random::{Dice, mix};
use crate::sink::{BODY_MAX, ROOT};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How to start a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes any.
    pub address: SocketAddr,
    /// The plan to begin with.
    pub plan: Plan,
    /// Where to write what is stored.
    pub journal: Option<PathBuf>,
    /// What to keep in memory.
    pub keep: Keep,
}

impl Options {
    /// Any loopback port, documents in memory, no journal.
    pub fn new(plan: Plan) -> Self {
        Self { address: ([127, 0, 0, 1], 0).into(), plan, journal: None, keep: Keep::Documents }
    }
}

/// A running server; ended when dropped.
#[derive(Debug)]
pub struct FaultServer {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    plan: Mutex<(Plan, u64)>,
    shelf: Mutex<Shelf>,
    traffic: Mutex<Traffic>,
    /// For ids the server makes up.
    made_up: AtomicU64,
}

/// Store and journal change together.
#[derive(Debug)]
struct Shelf {
    store: Store,
    journal: Option<Journal>,
}

impl FaultServer {
    /// Listens.
    pub fn start(options: Options) -> io::Result<Self> {
        let journal = options.journal.as_deref().map(Journal::create).transpose()?;
        let state = Arc::new(State {
            plan: Mutex::new((options.plan, 0)),
            shelf: Mutex::new(Shelf { store: Store::new(options.keep), journal }),
            traffic: Mutex::default(),
            made_up: AtomicU64::default(),
        });
        let server = Server::start(options.address, BODY_MAX, Arc::clone(&state) as Arc<dyn Service>)?;
        Ok(Self { server, state })
    }

    /// `http://…`, without trailing slash.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Follows another plan from the next bulk request on.
    pub fn set_plan(&self, plan: Plan) {
        *lock(&self.state.plan) = (plan, 0);
    }

    /// Documents stored as new.
    pub fn created(&self) -> u64 {
        lock(&self.state.shelf).store.created()
    }

    /// Everything stored, by index and id; empty sources unless documents are kept.
    pub fn documents(&self) -> Vec<Document> {
        lock(&self.state.shelf).store.documents()
    }

    /// Rolls all data streams over, as an operator or a policy would.
    pub fn roll_over(&self) {
        lock(&self.state.shelf).store.roll_all_over();
    }

    /// How many bulk requests have begun.
    pub fn request_count(&self) -> usize {
        lock(&self.state.traffic).0.len()
    }

    /// All bulk requests so far.
    pub fn traffic(&self) -> Traffic {
        lock(&self.state.traffic).clone()
    }
}

impl Service for State {
    fn serve(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        if exchange.head.path.ends_with("/_bulk") && exchange.head.method != "GET" {
            return self.bulk(exchange);
        }
        let body = exchange.body()?;
        let (status, answer) = self.other(&exchange.head.method, &exchange.head.path, &body.bytes);
        exchange.respond(status, Framing::Length, &answer)
    }
}

impl State {
    fn bulk(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        let step = self.next_step();
        let visit = Visit {
            started: exchange.started,
            ended: None,
            fault: step.fault,
            items: BTreeMap::new(),
            body_bytes: 0,
        };
        let number = {
            let mut traffic = lock(&self.traffic);
            traffic.0.push(visit);
            traffic.0.len() - 1
        };
        let outcome = self.perform(exchange, step, number);
        self.note(number, |visit| visit.ended = Some(Instant::now()));
        outcome
    }

    fn next_step(&self) -> Step {
        let mut plan = lock(&self.plan);
        let step = plan.0.step(plan.1);
        plan.1 += 1;
        step
    }

    fn note(&self, number: usize, change: impl FnOnce(&mut Visit)) {
        if let Some(visit) = lock(&self.traffic).0.get_mut(number) {
            change(visit);
        }
    }

    fn perform(&self, exchange: &mut Exchange<'_>, step: Step, number: usize) -> io::Result<()> {
        if step.fault == Fault::ResetBeforeReading {
            return exchange.reset();
        }
        let body = exchange.body()?;
        self.note(number, |visit| visit.body_bytes = body.bytes.len());
        // The body is here whole: what happens to the client from now on does not keep the server from storing.
        let _ = exchange.pause(step.think_before)?;
        if let Fault::Refuse(status) = step.fault {
            return exchange.respond(
                status,
                Framing::Length,
                &refusal(status, kind(status), "refused by plan"),
            );
        }
        let framing = if step.seed.is_multiple_of(2) { Framing::Length } else { Framing::Chunked };
        let parsed = match items(&body.bytes) {
            Ok(parsed) => parsed,
            Err(error) => {
                let answer = refusal(400, "illegal_argument_exception", &error.to_string());
                return exchange.respond(400, Framing::Length, &answer);
            }
        };
        let target = exchange.head.path.trim_end_matches("/_bulk").trim_start_matches('/').to_owned();
        let outcomes = self.store(&parsed, &target, step)?;
        self.note(number, |visit| {
            for (_, _, outcome) in &outcomes {
                *visit.items.entry(outcome.status()).or_default() += 1;
            }
        });
        let _ = exchange.pause(step.think_after)?;
        let answered = match step.fault {
            Fault::WrongCount => outcomes.len().saturating_sub(1),
            _ => outcomes.len(),
        };
        let mut answer = Answer::new(Detail::of_query(&exchange.head.query));
        for (item, (index, id, outcome)) in parsed.iter().zip(&outcomes).take(answered) {
            answer.push(item.op, index, id, outcome);
        }
        let answer = answer.finish();
        match step.fault {
            Fault::LoseAnswer | Fault::LoseAnswerAndRollOver => exchange.reset(),
            Fault::CutAnswer => exchange.respond_cut(200, framing, &answer),
            Fault::Hang(time) => exchange.pause(time).and_then(|_| exchange.close()),
            _ => exchange.respond(200, framing, &answer),
        }
    }

    /// Stores the items the plan lets through; for each its index, id and outcome.
    fn store(
        &self,
        items: &[Item<'_>],
        target: &str,
        step: Step,
    ) -> io::Result<Vec<(Arc<str>, String, Outcome)>> {
        let mut dice = Dice::new(step.seed);
        let mut shelf = lock(&self.shelf);
        let Shelf { store, journal } = &mut *shelf;
        let mut outcomes = Vec::with_capacity(items.len());
        for item in items {
            let index = item.index.as_deref().unwrap_or(target);
            let id = item.id.as_deref().map_or_else(|| self.new_id(), str::to_owned);
            if let (Fault::RefuseItems(status), true) = (step.fault, dice.chance(250)) {
                let error = ItemError { status, kind: kind(status), reason: "refused by plan".to_owned() };
                outcomes.push((index.into(), id, Outcome::Failed(error)));
                continue;
            }
            let (index, outcome) = store.put(item.op, index, &id, item.source);
            if let (Outcome::Created { .. }, Some(journal)) = (&outcome, journal.as_mut()) {
                journal.append(&index, &id, item.source)?;
            }
            outcomes.push((index, id, outcome));
        }
        if let Some(journal) = journal {
            journal.flush()?;
        }
        if step.fault == Fault::LoseAnswerAndRollOver {
            store.roll_all_over();
        }
        Ok(outcomes)
    }

    fn new_id(&self) -> String {
        format!("made-up-{:016x}", mix(1, self.made_up.fetch_add(1, Ordering::Relaxed)))
    }

    fn other(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut shelf = lock(&self.shelf);
        let store = &mut shelf.store;
        let path = path.trim_matches('/');
        let (target, call) = match path.rsplit_once('/') {
            Some((target, call)) if call.starts_with('_') => (target, call),
            _ => ("", path),
        };
        let answer = match (method, call) {
            ("GET" | "HEAD", "") => return (200, ROOT.as_bytes().to_vec()),
            ("GET", _) if path == "_data_stream" => store.data_streams(""),
            ("GET", _) if path.starts_with("_data_stream/") => {
                store.data_streams(&path["_data_stream/".len()..])
            }
            ("GET" | "POST", "_mget") => {
                let request: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
                Some(store.mget((!target.is_empty()).then_some(target), &request))
            }
            ("POST", "_rollover") => store.roll_over(target),
            ("GET" | "POST", "_count") => Some(json!({ "count": store.count(target) })),
            ("GET", "_license" | "_xpack") => {
                Some(json!({ "license": { "type": "basic", "status": "active" } }))
            }
            _ => None,
        };
        match answer {
            Some(answer) => (200, answer.to_string().into_bytes()),
            None => (404, refusal(404, "index_not_found_exception", &format!("no such index [{path}]"))),
        }
    }
}

/// Error type Elasticsearch gives with `status`.
fn kind(status: u16) -> &'static str {
    match status {
        400 => "document_parsing_exception",
        401 | 403 => "security_exception",
        404 => "index_not_found_exception",
        413 => "content_too_long_exception",
        429 => "es_rejected_execution_exception",
        503 => "unavailable_shards_exception",
        _ => "fail_processor_exception",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Client, Reply};
    use std::time::Duration;

    const BODY: &[u8] = b"{\"create\":{\"_id\":\"a\"}}\n{\"x\":1}\n{\"create\":{\"_id\":\"b\"}}\n{\"x\":2}\n";

    fn start(script: Vec<Fault>) -> (FaultServer, Client) {
        let server = FaultServer::start(Options::new(Plan::Script(script))).expect("server");
        let client = Client::new(&server.url(), None).expect("client");
        (server, client)
    }

    fn send(client: &Client) -> anyhow::Result<Reply> {
        client.send("POST", "/logs-app-default/_bulk", BODY)
    }

    fn statuses(reply: &Reply) -> Vec<u64> {
        let answer = reply.json().expect("JSON");
        let items = answer["items"].as_array().expect("items");
        items.iter().filter_map(|item| item["create"]["status"].as_u64()).collect()
    }

    #[test]
    fn a_lost_answer_has_stored_and_the_retry_meets_409() {
        for fault in [Fault::LoseAnswer, Fault::CutAnswer, Fault::Hang(Duration::ZERO)] {
            let (server, client) = start(vec![fault]);
            assert!(send(&client).is_err(), "{fault:?}");
            assert_eq!(server.created(), 2, "{fault:?}");
            assert_eq!(statuses(&send(&client).expect("answer")), [409, 409], "{fault:?}");
            assert_eq!(server.traffic().items(), BTreeMap::from([(201, 2), (409, 2)]));
        }
    }

    #[test]
    fn after_a_rollover_with_a_lost_answer_the_retry_would_double() {
        let (server, client) = start(vec![Fault::LoseAnswerAndRollOver]);
        assert!(send(&client).is_err());
        let stream =
            client.send("GET", "/_data_stream/logs-app-default", b"").expect("answer").json().expect("JSON");
        let old = &stream["data_streams"][0]["indices"][0]["index_name"];
        let request = json!({ "docs": [{ "_index": old, "_id": "a" }] }).to_string();
        let found = client.send("POST", "/_mget", request.as_bytes()).expect("answer").json().expect("JSON");
        assert_eq!(found["docs"][0]["found"], true);
        assert_eq!(statuses(&send(&client).expect("answer")), [201, 201]);
        assert_eq!(server.created(), 4);
    }

    #[test]
    fn refused_requests_and_resets_store_nothing() {
        let (server, client) = start(vec![Fault::Refuse(429), Fault::Refuse(503), Fault::ResetBeforeReading]);
        assert_eq!(send(&client).expect("answer").status, 429);
        assert_eq!(send(&client).expect("answer").status, 503);
        assert!(send(&client).is_err());
        assert_eq!(server.created(), 0);
        assert_eq!(statuses(&send(&client).expect("answer")), [201, 201]);
    }

    #[test]
    fn refused_items_are_not_stored_and_the_others_are() {
        let (server, client) = start(vec![Fault::RefuseItems(429)]);
        let body: String =
            (0..400).map(|id| format!("{{\"create\":{{\"_id\":\"{id}\"}}}}\n{{}}\n")).collect();
        let reply = client.send("POST", "/logs-app-default/_bulk", body.as_bytes()).expect("answer");
        let refused = statuses(&reply).iter().filter(|&&status| status == 429).count();
        assert!((50..150).contains(&refused), "{refused} of 400 refused");
        assert_eq!(server.created(), 400 - refused as u64);
    }

    #[test]
    fn a_wrong_count_lacks_one_item_but_all_are_stored() {
        let (server, client) = start(vec![Fault::WrongCount]);
        assert_eq!(statuses(&send(&client).expect("answer")), [201]);
        assert_eq!(server.created(), 2);
    }

    #[test]
    fn the_journal_holds_what_was_stored_and_nothing_twice() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("journal.ndjson");
        let plan = Plan::Script(vec![Fault::LoseAnswer]);
        let options = Options { journal: Some(path.clone()), keep: Keep::Ids, ..Options::new(plan) };
        let server = FaultServer::start(options).expect("server");
        let client = Client::new(&server.url(), None).expect("client");
        assert!(send(&client).is_err());
        send(&client).expect("answer");
        let mut stored = Vec::new();
        crate::journal::read(&path, |document| {
            stored.push((document.id.clone(), document.doc.get().to_owned()))
        })
        .expect("journal");
        assert_eq!(
            stored,
            [("a".to_owned(), r#"{"x":1}"#.to_owned()), ("b".to_owned(), r#"{"x":2}"#.to_owned())]
        );
        assert_eq!(server.documents().len(), 2);
    }
}
