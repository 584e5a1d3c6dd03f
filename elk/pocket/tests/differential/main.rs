//! The same 200 000 events and the same requests, made from a grammar by a seed, to Pocket ELK, Elasticsearch and
//! OpenSearch: equal answers, or the same refusal.
//!
//! Each run asks the same; `DIFFERENTIAL_SEED` asks for others, `fresh` for some that nobody has asked. The report is `differential.md` in the target directory's `tmp`.

mod aggregation;
mod compare;
mod draw;
mod events;
mod query;
mod report;
mod request;
#[path = "../support/mod.rs"]
mod support;

use bench::engine::{self, Engine, Kind};
use bench::random::fresh_seed;
use report::{Outcome, Report};
use request::Case;
use serde_json::Value;
use std::path::Path;
use support::Server;

const EVENTS: u64 = 200_000;
const BULK: u64 = 4_000;
const CASES: u64 = 600;
/// Cases of each feature there have to be, with an answer.
const EACH: usize = 10;

/// One that answers requests with status and body.
trait Store: Sync {
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value);
}

impl Store for Server {
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        self.send(method, path, body)
    }
}

impl Store for Engine {
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let reply = Self::ask(self, method, path, body);
        (reply.status, reply.json().unwrap_or_default())
    }
}

fn good(store: &dyn Store, method: &str, path: &str, body: &str) -> Value {
    let (status, answer) = store.ask(method, path, body);
    assert!(status < 300, "{method} {path}: {status} {answer}");
    answer
}

fn fill(store: &dyn Store, seed: u64) {
    let there = store.ask("GET", "/events/_mapping", "").1["events"]["mappings"]["_meta"]["seed"] == seed;
    // An engine that is not started here keeps the events for the next run with the seed.
    if there && store.ask("GET", "/events/_count", "").1["count"] == EVENTS {
        return;
    }
    store.ask("DELETE", "/events", "");
    good(store, "PUT", "/events", &events::index(seed).to_string());
    for first in (0..EVENTS).step_by(BULK as usize) {
        let mut body = String::new();
        for number in first..EVENTS.min(first + BULK) {
            let (id, event) = events::event(seed, number);
            body.push_str(&format!("{{\"create\":{{\"_id\":\"{id}\"}}}}\n{event}\n"));
        }
        let answer = good(store, "POST", "/events/_bulk", &body);
        assert_eq!(answer["errors"], false, "{answer}");
    }
    good(store, "POST", "/events/_refresh", "");
    assert_eq!(good(store, "GET", "/events/_count", "")["count"], EVENTS);
}

fn judge(case: &Case, pocket: &dyn Store, elasticsearch: &dyn Store, opensearch: &dyn Store) -> Outcome {
    // OpenSearch allocates a digest as a whole in every bucket: a finer one than its default is more than its memory.
    let [plain, fine, coarse] =
        [case.body.clone(), compare::sharpened(&case.body, 500), compare::sharpened(&case.body, 100)];
    let [found, first, second] = std::thread::scope(|scope| {
        let running = [(pocket, plain), (elasticsearch, fine), (opensearch, coarse)]
            .map(|(store, body)| scope.spawn(move || store.ask("POST", case.path, &body.to_string())));
        running.map(|thread| thread.join().unwrap_or_else(|_| panic!("case {}: {}", case.number, case.body)))
    });
    match (compared(case, &found, &first), compared(case, &found, &second)) {
        (Err(what), _) => Outcome::Differs(what),
        (Ok(()), Err(what)) => Outcome::EnginesDiffer(what),
        (Ok(()), Ok(())) if found.0 == 400 => Outcome::Refused,
        (Ok(()), Ok(())) => Outcome::Equal,
    }
}

fn compared(case: &Case, found: &(u16, Value), expected: &(u16, Value)) -> Result<(), String> {
    match (found.0, expected.0) {
        (200, 200) => compare::difference(&case.body, &found.1, &expected.1),
        (one, other) if one == other => Ok(()),
        (one, other) => Err(format!("{one} {}, not {other} {}", found.1["error"], expected.1["error"])),
    }
}

fn seed() -> u64 {
    match std::env::var("DIFFERENTIAL_SEED").as_deref() {
        Ok("fresh") => fresh_seed(),
        Ok(seed) => seed.parse().expect("a number or `fresh`"),
        Err(_) => 1,
    }
}

#[test]
#[ignore = "needs Elasticsearch and OpenSearch"]
fn answers_are_those_of_the_real_engines() {
    let seed = seed();
    println!("DIFFERENTIAL_SEED={seed}");
    let folder = tempfile::tempdir().expect("a folder");
    let pocket = Server::start(folder.path());
    let (elasticsearch, opensearch) = (engine::shared(Kind::Elasticsearch), engine::shared(Kind::OpenSearch));
    let stores: [&dyn Store; 3] = [&pocket, elasticsearch, opensearch];
    std::thread::scope(|scope| stores.iter().for_each(|store| drop(scope.spawn(|| fill(*store, seed)))));

    let mut report = Report::default();
    for number in 0..CASES {
        let case = request::case(seed, EVENTS, number);
        report.add(&case, &judge(&case, &pocket, elasticsearch, opensearch));
    }
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential.md");
    let head = format!(
        "# Pocket ELK beside Elasticsearch and OpenSearch\n\nSeed {seed}, {EVENTS} events, {} cases.",
        report.cases
    );
    std::fs::write(&place, report.text(&head)).expect("a report");
    println!("{} of {} cases differ; {}", report.failures.len(), report.cases, place.display());
    assert!(
        report.failures.is_empty(),
        "seed {seed}: {} cases differ:\n{}",
        report.failures.len(),
        report.failures.join("\n")
    );
    let features = query::KINDS
        .into_iter()
        .chain(aggregation::KINDS)
        .chain(request::OPTIONS)
        .chain(["aggregations 3 deep"]);
    assert_eq!(
        report.rare(features, EACH),
        Vec::<&str>::new(),
        "features with fewer than {EACH} answers, seed {seed}"
    );
}
