//! Sealing a batch and reading its answer, in bytes a second.

use blueox::batch::{Batch, Compressor, EventMeta, Form, OpenBatch};
use blueox::file::{FileKey, Lineage};
use blueox::output::elasticsearch::bulk::BulkReader;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::fmt::Write;
use std::hint::black_box;

const EVENTS: u64 = 4000;

fn document(number: u64) -> String {
    format!(
        r#"{{"@timestamp":"2026-01-01T10:00:{:02}.{:06}Z","message":"order {number} paid","log":{{"level":"info","logger":"shop::orders","offset":{}}},"service":{{"name":"shop"}},"host":{{"name":"web-1"}},"http":{{"request":{{"method":"GET"}},"response":{{"status_code":200}}}},"event":{{"duration":{}}},"labels":{{"customer":"c{}"}}}}"#,
        number % 60,
        number * 7919 % 1_000_000,
        number * 311,
        number * 104_729 % 9_000_000,
        number * 31 % 977,
    )
}

fn fill(open: &mut OpenBatch, documents: &[String]) {
    for (number, document) in (0u64..).zip(documents) {
        let meta = EventMeta {
            file: FileKey(1),
            lineage: Lineage([1; 6]),
            start: number * 311,
            end: number * 311 + 311,
            checksum: number as u32,
            uncertain: false,
        };
        open.push(meta, |body| body.extend_from_slice(document.as_bytes()));
    }
}

fn answer(batch: &Batch, filtered: bool, status: u16) -> String {
    let mut answer = String::from(r#"{"errors":false,"took":200,"items":["#);
    for (number, id) in batch.ids().enumerate() {
        let id = std::str::from_utf8(&id).expect("ids are base64");
        let comma = if number > 0 { "," } else { "" };
        let rest = match (filtered, status) {
            (true, 201) => String::new(),
            (false, 201) => format!(
                r#","_version":1,"result":"created","_shards":{{"total":2,"successful":1,"failed":0}},"_seq_no":{number},"_primary_term":1"#
            ),
            _ => format!(
                r#","error":{{"type":"es_rejected_execution_exception","reason":"{}"}}"#,
                "rejected ".repeat(40)
            ),
        };
        write!(
            answer,
            r#"{comma}{{"create":{{"_index":".ds-logs-app-default-2026.11.23-000001","_id":"{id}"{rest},"status":{status}}}}}"#
        )
        .expect("a String takes all");
    }
    answer + "]}"
}

fn benches(criterion: &mut Criterion) {
    let documents: Vec<String> = (0..EVENTS).map(document).collect();
    let mut open = OpenBatch::new("logs-app-default".into(), Form::Bulk, 8 << 20);
    fill(&mut open, &documents);
    let batch = open.seal(&mut Compressor::new(1));

    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Bytes(u64::from(batch.raw_len)));
    group.bench_function("fill", |bencher| {
        bencher.iter(|| {
            fill(&mut open, &documents);
            black_box(open.seal(&mut Compressor::new(0)))
        });
    });
    // 1 is our own, the others are libdeflate.
    for level in [1, 2, 6] {
        let mut compressor = Compressor::new(level);
        group.bench_function(format!("fill_and_gzip_{level}"), |bencher| {
            bencher.iter(|| {
                fill(&mut open, &documents);
                black_box(open.seal(&mut compressor))
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("answer");
    for (name, filtered, status) in
        [("stored_full", false, 201), ("stored_filtered", true, 201), ("all_429", true, 429)]
    {
        let text = answer(&batch, filtered, status);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || BulkReader::new(EVENTS as u32, batch.ids()),
                |mut reader| {
                    for piece in text.as_bytes().chunks(16 << 10) {
                        reader.push(piece).expect("a bulk answer");
                    }
                    black_box(reader.finish().expect("a bulk answer"))
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(
    name = output;
    config = Criterion::default().measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(500));
    targets = benches
);
criterion_main!(output);
