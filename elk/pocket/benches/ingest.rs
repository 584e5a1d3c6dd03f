//! How fast documents become durable and searchable, without HTTP: events per second and CPU second, memory, disk.
//!
//! `cargo bench -p pocket-elk --bench ingest -- EVENTS [FOLDER]`; the folder is kept where one is named.

use bytes::Bytes;
use pocket_elk::search::{Cache, Means, Request, Target, search};
use pocket_elk::store::{Action, Kind, Options, Store};
use serde_json::json;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

const BATCH: u64 = 2_000;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let events: u64 =
        arguments.first().map_or(Ok(200_000), |events| events.parse()).expect("a number of events");
    let kept = arguments.get(1).cloned();
    let folder = tempfile::tempdir().expect("a folder");
    let path = kept.as_deref().map_or(folder.path(), Path::new);
    let store = Store::open(path, Options::default()).expect("a store");
    put_template(&store);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut bytes = 0;
    for batch in 0..events / BATCH {
        let actions: Vec<Action> = (0..BATCH).map(|at| action(batch * BATCH + at)).collect();
        bytes += actions.iter().map(|action| action.source.len() as u64).sum::<u64>();
        let refused = store.bulk(actions).iter().filter(|outcome| outcome.result.is_err()).count();
        assert_eq!(refused, 0, "documents were refused");
    }
    let answered = start.elapsed().as_secs_f64();
    store.refresh().expect("a refresh");
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let anonymous = memory.lines().find(|line| line.starts_with("RssAnon")).unwrap_or_default().to_owned();
    drop(store);
    let reopened = Instant::now();
    let store = Store::open(path, Options::default()).expect("the store again");
    let opened = reopened.elapsed().as_millis();
    let disk: u64 = store.indices().iter().map(|index| index.disk_bytes()).sum();
    let count: u64 = store.indices().iter().map(|index| index.snapshot().count()).sum();
    let segments: usize = store.indices().iter().map(|index| index.snapshot().segments.len()).sum();
    assert_eq!(count, events / BATCH * BATCH, "documents are missing");
    println!(
        "{count} events of {} B, answered in {answered:.1} s, searchable in {seconds:.1} s, {cpu:.1} CPU s",
        bytes / count
    );
    println!(
        "{:.0} events/s, {:.0} events per CPU second; {anonymous}",
        count as f64 / seconds,
        count as f64 / cpu
    );
    println!(
        "disk {} MB in {segments} segments, {:.0} B an event; opens in {opened} ms",
        disk >> 20,
        disk as f64 / count as f64
    );
    heavy_aggregation(&store);
}

/// terms × date_histogram × percentiles over everything, without and with what the segments remember.
fn heavy_aggregation(store: &Store) {
    let body = json!({"size": 0, "aggs": {"services": {"terms": {"field": "service.name"}, "aggs": {
        "time": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1m"}, "aggs": {
            "latency": {"percentiles": {"field": "event.duration", "percents": [50, 95, 99]}}}}}}}});
    let targets: Vec<Target> = store.indices().iter().map(|index| Target::of(index)).collect();
    let request = Request::parse(&body).expect("a request");
    let cache = Cache::new(32 << 20);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for state in ["cold", "warm"] {
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let means = Means { memory: 64 << 20, threads, cache: Some(&cache) };
        search(&targets, &request, means).expect("an answer");
        println!(
            "heavy aggregation, {state}: {} ms, {:.2} CPU s",
            start.elapsed().as_millis(),
            cpu_seconds() - cpu
        );
    }
}

fn put_template(store: &Store) {
    let template = json!({"index_patterns": ["logs-app-*"], "data_stream": {}, "priority": 500, "template": {"mappings": {
        "date_detection": false,
        "dynamic_templates": [{"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}}],
        "properties": {
            "@timestamp": {"type": "date"}, "message": {"type": "text"},
            "event": {"properties": {"duration": {"type": "long"}}},
            "http": {"properties": {"response": {"properties": {"status_code": {"type": "short"}}}}},
        },
    }}});
    let mut registry = store.registry();
    let template = serde_json::from_value(template).expect("a template");
    registry.templates.put_index("logs-app", template).expect("a template without rivals");
}

fn action(number: u64) -> Action {
    let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number << 7);
    let mut id = [0; 15];
    id[..6].copy_from_slice(b"lineag");
    id[6..11].copy_from_slice(&(number * 700).to_be_bytes()[3..]);
    id[11..].copy_from_slice(&(random as u32).to_be_bytes());
    let id = pocket_elk::document::DocKey::from_random(id).id();
    let mut text = String::with_capacity(800);
    let (route, service) = (random >> 8 & 15, ["shop", "cart", "pay"][(random >> 16) as usize % 3]);
    let status = [200, 200, 200, 200, 200, 201, 404, 500][(random >> 20) as usize & 7];
    let millis = 1_767_225_600_000 + number as i64;
    let time = pocket_elk::time::format::DateFormat::default().print(millis * 1_000_000, 0);
    let _ = write!(
        text,
        r#"{{"@timestamp":"{time}","message":"GET /api/v1/items/{route} finished with {status} for user {}","ecs":{{"version":"8.17.0"}},"log":{{"level":"info","logger":"shop::http","offset":{},"file":{{"path":"/var/log/shop/app.log"}}}},"event":{{"dataset":"app","category":"web","kind":"event","duration":{},"outcome":"success"}},"service":{{"name":"{service}","version":"1.4.2","environment":"demo","node":{{"name":"host-1:{}"}}}},"host":{{"name":"host-1"}},"process":{{"pid":{}}},"http":{{"request":{{"method":"GET"}},"response":{{"status_code":{status}}},"route":"/api/v1/items/{{id}}"}},"url":{{"path":"/api/v1/items/{route}"}},"trace":{{"id":"{:016x}{:016x}"}},"span":{{"id":"{:016x}"}},"labels":{{"tenant":"t{}"}},"data_stream":{{"type":"logs","dataset":"app","namespace":"default"}}}}"#,
        random % 10_000,
        number * 700,
        random >> 40,
        random & 7,
        random & 7,
        random,
        number,
        random ^ 1,
        random % 50,
    );
    Action {
        kind: Kind::Create,
        index: "logs-app-default".to_owned(),
        id,
        pipeline: None,
        require_alias: false,
        require_data_stream: false,
        source: Bytes::from(text),
    }
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}
