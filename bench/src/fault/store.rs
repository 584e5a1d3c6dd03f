//! Indices and data streams in memory.

use crate::bulk::{ItemError, Op, Outcome};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Whether documents stay in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Ids only; documents are in the journal.
    Ids,
    /// All of it.
    Documents,
}

/// A stored document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Concrete index.
    pub index: Arc<str>,
    /// Its id there.
    pub id: String,
    /// Its bytes as sent.
    pub source: Vec<u8>,
}

/// Id → bytes of one concrete index.
type Documents = HashMap<Box<str>, Box<[u8]>>;

/// All indices.
#[derive(Debug)]
pub struct Store {
    keep: Keep,
    /// Data stream → backing indices, oldest first.
    streams: BTreeMap<String, Vec<Arc<str>>>,
    indices: HashMap<Arc<str>, Documents>,
    created: u64,
}

impl Store {
    /// An empty one.
    pub fn new(keep: Keep) -> Self {
        Self { keep, streams: BTreeMap::new(), indices: HashMap::new(), created: 0 }
    }

    /// Stores one document; the concrete index and what became of it.
    ///
    /// A target that looks like a data stream (`logs-…`, `metrics-…`, `traces-…`) is made one on first use, as by the
    /// server's own templates; other names become plain indices.
    pub fn put(&mut self, op: Op, target: &str, id: &str, source: &[u8]) -> (Arc<str>, Outcome) {
        let index = self.write_index(target);
        if op == Op::Index && self.streams.contains_key(target) {
            let reason = "only write ops with an op_type of create are allowed in data streams";
            return (index, failed(400, "illegal_argument_exception", reason.to_owned()));
        }
        let documents = self.indices.entry(Arc::clone(&index)).or_default();
        if op == Op::Create && documents.contains_key(id) {
            let reason = format!("[{id}]: version conflict, document already exists (current version [1])");
            return (index, failed(409, "version_conflict_engine_exception", reason));
        }
        let kept: &[u8] = match self.keep {
            Keep::Ids => &[],
            Keep::Documents => source,
        };
        documents.insert(id.into(), kept.into());
        self.created += 1;
        (index, Outcome::Created { seq_no: self.created - 1 })
    }

    /// Documents stored as new, over all indices.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// Everything kept, by index and id.
    pub fn documents(&self) -> Vec<Document> {
        let mut all: Vec<Document> = self
            .indices
            .iter()
            .flat_map(|(index, documents)| {
                documents.iter().map(move |(id, source)| Document {
                    index: Arc::clone(index),
                    id: id.to_string(),
                    source: source.to_vec(),
                })
            })
            .collect();
        all.sort_by(|a, b| (&a.index, &a.id).cmp(&(&b.index, &b.id)));
        all
    }

    /// `POST /<stream>/_rollover`; `None` where there is no such stream.
    pub fn roll_over(&mut self, stream: &str) -> Option<Value> {
        let backing = self.streams.get_mut(stream)?;
        let old = backing.last().cloned();
        let new = backing_name(stream, backing.len() + 1);
        backing.push(Arc::clone(&new));
        Some(json!({
            "acknowledged": true, "shards_acknowledged": true, "old_index": old.as_deref(), "new_index": &*new,
            "rolled_over": true, "dry_run": false, "lazy": false, "conditions": {},
        }))
    }

    /// Rolls every data stream over.
    pub fn roll_all_over(&mut self) {
        for stream in self.streams.keys().cloned().collect::<Vec<_>>() {
            self.roll_over(&stream);
        }
    }

    /// `GET /_data_stream/<pattern>`: a name, names with commas, or a pattern that ends in `*`.
    pub fn data_streams(&self, pattern: &str) -> Option<Value> {
        let wanted = |name: &str| {
            pattern.is_empty()
                || pattern.split(',').any(|part| match part.strip_suffix('*') {
                    Some(prefix) => name.starts_with(prefix),
                    None => name == part,
                })
        };
        let found: Vec<Value> = self
            .streams
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, backing)| {
                let indices: Vec<Value> = backing
                    .iter()
                    .map(|index| json!({ "index_name": &**index, "index_uuid": uuid(index) }))
                    .collect();
                json!({
                    "name": name, "timestamp_field": { "name": "@timestamp" }, "indices": indices,
                    "generation": backing.len(), "status": "GREEN", "hidden": false, "system": false,
                    "replicated": false, "rollover_on_write": false,
                })
            })
            .collect();
        let named = !pattern.is_empty() && !pattern.contains('*');
        (!named || !found.is_empty()).then(|| json!({ "data_streams": found }))
    }

    /// `POST [/<index>]/_mget`, with `docs` or `ids`. Streams are not concrete: like the server, they are an error.
    pub fn mget(&self, default_index: Option<&str>, request: &Value) -> Value {
        let mut wanted: Vec<(Option<&str>, &str)> = Vec::new();
        for doc in request["docs"].as_array().into_iter().flatten() {
            wanted.push((doc["_index"].as_str().or(default_index), doc["_id"].as_str().unwrap_or_default()));
        }
        for id in request["ids"].as_array().into_iter().flatten() {
            wanted.push((default_index, id.as_str().unwrap_or_default()));
        }
        let docs: Vec<Value> =
            wanted.into_iter().map(|(index, id)| self.get(index.unwrap_or_default(), id)).collect();
        json!({ "docs": docs })
    }

    fn get(&self, index: &str, id: &str) -> Value {
        let Some(documents) = self.indices.get(index) else {
            let reason = format!("no such index [{index}]");
            return json!({ "_index": index, "_id": id, "error": { "type": "index_not_found_exception", "reason": reason } });
        };
        match documents.get(id) {
            None => json!({ "_index": index, "_id": id, "found": false }),
            Some(source) => {
                let source: Value = serde_json::from_slice(source).unwrap_or(Value::Null);
                json!({ "_index": index, "_id": id, "_version": 1, "found": true, "_source": source })
            }
        }
    }

    /// Documents in `target`: a stream, an index, or empty for all.
    pub fn count(&self, target: &str) -> usize {
        let within = |index: &Arc<str>| match self.streams.get(target) {
            Some(backing) => backing.contains(index),
            None => target.is_empty() || &**index == target,
        };
        self.indices.iter().filter(|(index, _)| within(index)).map(|(_, documents)| documents.len()).sum()
    }

    fn write_index(&mut self, target: &str) -> Arc<str> {
        if let Some(index) = self.streams.get(target).and_then(|backing| backing.last()) {
            return Arc::clone(index);
        }
        if ["logs-", "metrics-", "traces-"].iter().any(|prefix| target.starts_with(prefix)) {
            let index = backing_name(target, 1);
            self.streams.insert(target.to_owned(), vec![Arc::clone(&index)]);
            return index;
        }
        match self.indices.get_key_value(target) {
            Some((index, _)) => Arc::clone(index),
            None => target.into(),
        }
    }
}

fn backing_name(stream: &str, generation: usize) -> Arc<str> {
    format!(".ds-{stream}-2026.11.23-{generation:06}").into()
}

/// Stands for the random one of the server; only has to differ between indices.
fn uuid(index: &str) -> String {
    let sum = index.bytes().fold(0u64, |sum, byte| crate::random::mix(sum, u64::from(byte)));
    format!("{sum:022x}")
}

fn failed(status: u16, kind: &'static str, reason: String) -> Outcome {
    Outcome::Failed(ItemError { status, kind, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "logs-app-default";

    #[test]
    fn create_takes_an_id_once_per_backing_index() {
        let mut store = Store::new(Keep::Documents);
        let put = |store: &mut Store| store.put(Op::Create, STREAM, "a", b"{}").1.status();
        assert_eq!(put(&mut store), 201);
        assert_eq!(put(&mut store), 409);
        store.roll_over(STREAM).expect("stream");
        assert_eq!(put(&mut store), 201, "ids are unique per backing index only");
        assert_eq!((store.created(), store.count(STREAM)), (2, 2));
    }

    #[test]
    fn a_data_stream_takes_no_index_operation_but_an_index_does() {
        let mut store = Store::new(Keep::Ids);
        assert_eq!(store.put(Op::Index, STREAM, "a", b"{}").1.status(), 400);
        assert_eq!(store.put(Op::Index, "plain", "a", b"{}").1.status(), 201);
        assert_eq!(store.put(Op::Index, "plain", "a", b"{}").1.status(), 201);
        assert_eq!(store.count("plain"), 1);
    }

    #[test]
    fn data_stream_lists_backing_indices_oldest_first() {
        let mut store = Store::new(Keep::Ids);
        assert_eq!(store.data_streams(STREAM), None);
        store.put(Op::Create, STREAM, "a", b"{}");
        store.roll_over(STREAM).expect("stream");
        let answer = store.data_streams("logs-*").expect("found");
        let indices = answer["data_streams"][0]["indices"].as_array().expect("indices").clone();
        let names: Vec<&str> = indices.iter().filter_map(|index| index["index_name"].as_str()).collect();
        assert_eq!(
            names,
            [".ds-logs-app-default-2026.11.23-000001", ".ds-logs-app-default-2026.11.23-000002"]
        );
        assert_eq!(answer["data_streams"][0]["generation"], 2);
    }

    #[test]
    fn mget_finds_ids_in_concrete_indices_only() {
        let mut store = Store::new(Keep::Documents);
        let (index, _) = store.put(Op::Create, STREAM, "a", br#"{"x":1}"#);
        let answer = store.mget(None, &json!({ "docs": [
            { "_index": &*index, "_id": "a" }, { "_index": &*index, "_id": "b" }, { "_index": STREAM, "_id": "a" },
        ]}));
        assert_eq!(answer["docs"][0]["_source"], json!({ "x": 1 }));
        assert_eq!(answer["docs"][1]["found"], false);
        assert_eq!(answer["docs"][2]["error"]["type"], "index_not_found_exception");
        assert_eq!(store.mget(Some(&index), &json!({ "ids": ["a"] }))["docs"][0]["found"], true);
    }
}
