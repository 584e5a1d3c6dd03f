//! A few thousand documents, the same at every run.

use serde_json::{Value, json};

/// 2026-11-23T10:00:00Z.
pub const SAMPLE_START: i64 = 1_795_428_000_000;
/// Forty minutes later.
pub const SAMPLE_END: i64 = SAMPLE_START + 40 * 60_000;

const SIZE: u64 = 4000;

/// One request, as an application logs it.
#[derive(Debug, Clone)]
pub struct Doc {
    pub time: i64,
    pub service: &'static str,
    pub route: String,
    pub method: &'static str,
    pub status: u64,
    pub took: u64,
    pub bytes: u64,
    pub user: Option<u64>,
    pub version: &'static str,
    pub message: String,
}

pub struct Sample {
    pub docs: Vec<Doc>,
}

/// A generator of numbers that needs no crate (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(choices.len() as u64);
        choices[usize::try_from(index).expect("an index")]
    }
}

impl Sample {
    pub fn generate() -> Self {
        let mut dice = Dice(0x2545_f491_4f6c_dd1d);
        let span = u64::try_from(SAMPLE_END - SAMPLE_START).expect("a length");
        let docs = (0..SIZE).map(|index| {
            // No two at the same moment, so that the last one is one.
            let time = SAMPLE_START + i64::try_from(index * span / SIZE).expect("a moment");
            let status = dice.pick(&[200, 200, 200, 200, 200, 201, 204, 302, 404, 404, 500, 503]);
            let slow = dice.below(10) == 0;
            Doc {
                time,
                service: dice.pick(&["shop", "shop", "shop", "cart", "cart", "mail", "search"]),
                route: format!("/{}/{}", dice.pick(&["a", "a", "b", "c"]), dice.below(3)),
                method: dice.pick(&["GET", "GET", "POST"]),
                status,
                took: 100_000 + dice.below(if slow { 900_000_000 } else { 40_000_000 }),
                bytes: dice.below(5000),
                user: (dice.below(4) > 0).then(|| dice.below(200)),
                version: if index < SIZE / 2 { "1.0" } else { "1.1" },
                message: if slow {
                    format!("request {index} took too slow")
                } else {
                    format!("request {index} ended")
                },
            }
        });
        Self { docs: docs.collect() }
    }

    /// Stores it, with `call` sending a request that has to succeed.
    pub fn store(&self, index: &str, call: impl Fn(&str, &str, &str) -> Value) {
        let keyword = json!({"type": "keyword"});
        let mappings = json!({"properties": {
            "@timestamp": {"type": "date"}, "service": keyword, "route": keyword, "version": keyword, "user": keyword,
            "http": {"properties": {"method": keyword}}, "method": {"type": "alias", "path": "http.method"},
            "status": {"type": "short"}, "took": {"type": "long"}, "bytes": {"type": "long"},
            "failed": {"type": "boolean"}, "message": {"type": "text"},
        }});
        let settings = json!({"number_of_replicas": 0, "number_of_shards": 1});
        call("PUT", &format!("/{index}"), &json!({"mappings": mappings, "settings": settings}).to_string());
        let lines: String =
            self.docs.iter().map(|doc| format!("{}\n{}\n", json!({"index": {}}), doc.to_json())).collect();
        let answer = call("POST", &format!("/{index}/_bulk?refresh=true"), &lines);
        assert_eq!(answer["errors"], false, "{answer}");
    }
}

impl Doc {
    fn to_json(&self) -> Value {
        json!({
            "@timestamp": self.time, "service": self.service, "route": self.route, "http": {"method": self.method},
            "status": self.status, "took": self.took, "bytes": self.bytes, "user": self.user.map(|user| format!("u{user}")),
            "version": self.version, "failed": self.status >= 500, "message": self.message,
        })
    }
}
