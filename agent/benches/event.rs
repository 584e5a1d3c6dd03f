//! Line → document, on one core: lines a second and MB of input a second.
//!
//! `cargo bench -p blueox --bench event`. The corpora are made from a seed; `bunyan` has the mix of a service under load:
//! START, two EVENTs and END of each request.

use blueox::config::{Input, ReadFrom, Source};
use blueox::event::{Environment, FileMemory, Line, LineEnd, Mapper, Stream};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;

const LINES: usize = 4000;

/// Numbers that look random and are the same each time (SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }

    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.below(among.len() as u64) as usize]
    }
}

fn time(at: usize) -> String {
    format!("2026-08-21T10:{:02}:{:02}.{:06}Z", at / 60_000 % 60, at / 1000 % 60, at * 997 % 1_000_000)
}

fn bunyan() -> Vec<String> {
    let mut random = Seeded(17);
    (0..LINES)
        .map(|at| {
            let (part, target, line, file) = match at % 4 {
                0 => ("START]", "demo_service::http", 41, "demo-service/src/http.rs"),
                1 => ("EVENT] cart loaded from the store", "demo_service::store", 112, "demo-service/src/store.rs"),
                2 => ("EVENT] prices computed", "demo_service::prices", 77, "demo-service/src/prices.rs"),
                _ => ("END]", "demo_service::http", 41, "demo-service/src/http.rs"),
            };
            let own = match at % 4 {
                1 => format!(",\"attempt\":{},\"rows\":{}", random.below(3), random.below(500)),
                2 => format!(",\"currency\":\"{}\",\"total\":{}.25", random.pick(&["EUR", "USD", "PLN"]), random.below(900)),
                3 => format!(",\"http.status_code\":200,\"elapsed_milliseconds\":{}", random.below(900)),
                _ => String::new(),
            };
            let mut span = [
                format!("\"http.method\":\"{}\"", random.pick(&["GET", "POST"])),
                format!("\"http.route\":\"{}\"", random.pick(&["/cart/{id}", "/simple", "/compute"])),
                format!("\"http.client_ip\":\"10.0.{}.{}\"", random.below(255), random.below(255)),
                format!("\"request_id\":\"018f{:016x}\"", random.below(u64::MAX)),
                format!("\"trace_id\":\"{:016x}{:016x}\"", random.below(u64::MAX) | 1, random.below(u64::MAX)),
            ];
            span.rotate_left(random.below(5) as usize);
            format!(
                "{{\"v\":0,\"name\":\"demo-service\",\"msg\":\"[HTTP REQUEST - {part}\",\"level\":{},\"hostname\":\"web-1\",\
                 \"pid\":4711,\"time\":\"{}\",\"target\":\"{target}\",\"line\":{line},\"file\":\"{file}\"{own},{}}}",
                random.pick(&["30", "30", "30", "20", "40"]),
                time(at),
                span.join(",")
            )
        })
        .collect()
}

fn ecs() -> Vec<String> {
    let mut random = Seeded(18);
    (0..LINES)
        .map(|at| {
            format!(
                "{{\"@timestamp\":\"{}\",\"log.level\":\"{}\",\"message\":\"order {} taken from the queue\",\
                 \"ecs.version\":\"1.2.0\",\"service.name\":\"shop\",\"event.dataset\":\"shop.log\",\
                 \"process.thread.name\":\"http-{}\",\"log.logger\":\"shop.Orders\",\"order\":{}}}",
                time(at),
                random.pick(&["INFO", "DEBUG", "WARN"]),
                random.below(100_000),
                random.below(16),
                random.below(100_000)
            )
        })
        .collect()
}

fn text() -> Vec<String> {
    let mut random = Seeded(19);
    let line = |at: usize| {
        let (client, path, size) =
            (random.below(255), random.pick(&["/", "/cart", "/login"]), random.below(90_000));
        format!("10.0.0.{client} - - [{}] \"GET {path} HTTP/1.1\" 200 {size} \"-\" \"curl/8.5.0\"", time(at))
    };
    (0..LINES).map(line).collect()
}

fn input() -> Input {
    Input {
        id: None,
        paths: vec![],
        exclude: vec![],
        format: None,
        read_from: ReadFrom::Beginning,
        max_line: 1 << 20,
        timezone: jiff::tz::TimeZone::UTC,
        fields: vec![],
        dataset: "app".into(),
        source: Source::Files,
        container: blueox::line::Container::None,
        multiline: None,
        namespace: "default".into(),
    }
}

fn map(criterion: &mut Criterion) {
    let environment = Environment { host_name: "web-1".into(), ..Environment::default() };
    for (name, lines) in [("bunyan", bunyan()), ("ecs", ecs()), ("text", text())] {
        let bytes: usize = lines.iter().map(String::len).sum();
        println!("{name}: {} bytes a line", bytes / lines.len());
        let mut mapper = Mapper::new();
        let mut stream = Stream::new(&input(), &environment).expect("`auto` is a format");
        let file = FileMemory::new(Path::new("/var/log/demo/demo-service.log"));
        let read_at = "2026-08-21T10:15:33Z".parse().expect("it is a time");
        let mut out = Vec::new();
        let mut group = criterion.benchmark_group("event");
        for throughput in [Throughput::Elements(lines.len() as u64), Throughput::Bytes(bytes as u64)] {
            let unit = if matches!(throughput, Throughput::Bytes(_)) { "bytes" } else { "lines" };
            group.throughput(throughput);
            group.bench_function(format!("{name}/{unit}"), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    for (at, line) in lines.iter().enumerate() {
                        let bytes = black_box(line.as_bytes());
                        let line = Line { bytes, offset: at as u64 * 450, end: LineEnd::Terminated, read_at };
                        black_box(mapper.map(&line, &mut stream, &file, &mut out));
                        out.push(b'\n');
                        if out.len() > 1 << 20 {
                            out.clear();
                        }
                    }
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(std::time::Duration::from_secs(2));
    targets = map
}
criterion_main!(benches);
