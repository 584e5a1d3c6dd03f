//! A cluster that keeps what it is given and answers as Elasticsearch and OpenSearch do, with faults where a test wants them.

use elk_setup::transport::{Method, Reply, Request, Transport, Unreachable};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// Answers instead of the cluster, where it has one.
type Fault = Box<dyn FnMut(&Request) -> Option<Result<Reply, Unreachable>>>;

pub struct Cluster {
    version: Value,
    /// Templates, pipelines, policies, roles by path.
    pub objects: BTreeMap<String, Value>,
    /// Data streams as `GET _data_stream` lists them.
    pub streams: Vec<Value>,
    /// API keys as `GET _security/api_key` lists them.
    pub keys: Vec<Value>,
    /// Privileges that the log-in lacks.
    pub lacking: Vec<&'static str>,
    /// Method and path of each request that could change something.
    pub writes: Vec<String>,
    /// What waiting was for; there is patience for ten.
    pub waits: Vec<String>,
    fault: Fault,
}

pub fn reply(status: u16, body: &Value) -> Reply {
    Reply { status, body: body.to_string().into_bytes() }
}

/// An engine's error.
pub fn refusal(status: u16, kind: &str, reason: &str) -> Reply {
    reply(status, &json!({"error": {"type": kind, "reason": reason}, "status": status}))
}

impl Cluster {
    pub fn elasticsearch(version: &str) -> Self {
        Self::new(json!({"number": version}))
    }

    pub fn opensearch(version: &str) -> Self {
        Self::new(json!({"number": version, "distribution": "opensearch"}))
    }

    fn new(version: Value) -> Self {
        Self {
            version,
            objects: BTreeMap::new(),
            streams: Vec::new(),
            keys: Vec::new(),
            lacking: Vec::new(),
            writes: Vec::new(),
            waits: Vec::new(),
            fault: Box::new(|_| None),
        }
    }

    /// From now on `fault` is asked first.
    pub fn set_fault(&mut self, fault: impl FnMut(&Request) -> Option<Result<Reply, Unreachable>> + 'static) {
        self.fault = Box::new(fault);
    }

    /// These answers for whatever is asked, one each, then the cluster's own.
    pub fn answers_first(&mut self, replies: impl IntoIterator<Item = Result<Reply, Unreachable>>) {
        let mut replies: VecDeque<_> = replies.into_iter().collect();
        self.set_fault(move |_| replies.pop_front());
    }

    /// Every request that begins so gets this answer.
    pub fn refuses(&mut self, method: Method, path: &'static str, answer: Reply) {
        self.set_fault(move |request| {
            (request.method == method && request.target.starts_with(path)).then(|| Ok(answer.clone()))
        });
    }

    fn answer(&mut self, request: &Request) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        let body: Value = request
            .body
            .as_ref()
            .map_or(Value::Null, |(_, body)| serde_json::from_slice(body).expect("JSON"));
        match (request.method, path) {
            (Method::Get, "/") => reply(200, &json!({"version": self.version})),
            (Method::Get, "/_cluster/health") => reply(200, &json!({"status": "green"})),
            (Method::Get, "/_security/_authenticate") => reply(200, &json!({"username": "me"})),
            (Method::Get, "/_nodes/ingest") => reply(
                200,
                &json!({"nodes": {"n": {"ingest": {"processors": [{"type": "set"}, {"type": "script"}]}}}}),
            ),
            (Method::Get, "/_index_template") => reply(200, &json!({"index_templates": self.templates()})),
            (Method::Get, "/_data_stream") => reply(200, &json!({"data_streams": self.streams})),
            (Method::Put, path) if path.ends_with("/_lifecycle") => self.set_lifecycle(path, &body),
            (Method::Delete, path) if path.starts_with("/_data_stream/") => {
                self.streams.retain(|stream| !path.ends_with(stream["name"].as_str().expect("a name")));
                reply(200, &json!({"acknowledged": true}))
            }
            (Method::Get, path) if path.ends_with("/_count") => reply(200, &json!({"count": 42})),
            (Method::Post, "/_security/user/_has_privileges") => self.privileges(&body),
            (_, "/_security/api_key") => self.key(request, &body),
            (Method::Get, path) => match self.objects.get(path) {
                Some(object) => reply(200, &shown(path, object)),
                None => refusal(404, "resource_not_found_exception", "no such thing"),
            },
            (Method::Put, path) => {
                self.objects.insert(path.to_owned(), body);
                reply(200, &json!({"acknowledged": true}))
            }
            (Method::Delete, path) => match self.objects.remove(path) {
                Some(_) => reply(200, &json!({"acknowledged": true})),
                None => refusal(404, "resource_not_found_exception", "no such thing"),
            },
            (Method::Post, path) => panic!("nobody answers POST {path}"),
        }
    }

    fn templates(&self) -> Vec<Value> {
        let named = self.objects.iter().filter_map(|(path, body)| {
            Some(json!({"name": path.strip_prefix("/_index_template/")?, "index_template": body}))
        });
        named.collect()
    }

    fn set_lifecycle(&mut self, path: &str, body: &Value) -> Reply {
        let found =
            self.streams.iter_mut().find(|stream| path.contains(stream["name"].as_str().expect("a name")));
        found.expect("a stream of that name")["lifecycle"] = body.clone();
        reply(200, &json!({"acknowledged": true}))
    }

    fn privileges(&self, body: &Value) -> Reply {
        let asked = body["cluster"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let has: Value = asked.map(|name| (name.to_owned(), json!(!self.lacking.contains(&name)))).collect();
        reply(200, &json!({"has_all_requested": self.lacking.is_empty(), "cluster": has, "index": {}}))
    }

    fn key(&mut self, request: &Request, body: &Value) -> Reply {
        match request.method {
            Method::Post => {
                let id = format!("key-{}", self.keys.len() + 1);
                let mut key = body.clone();
                (key["id"], key["invalidated"]) = (json!(id), json!(false));
                self.keys.push(key);
                reply(200, &json!({"id": id, "encoded": "canary"}))
            }
            Method::Delete => {
                for key in self
                    .keys
                    .iter_mut()
                    .filter(|key| body["ids"].as_array().expect("ids").contains(&key["id"]))
                {
                    key["invalidated"] = json!(true);
                }
                reply(200, &json!({"error_count": 0}))
            }
            _ => {
                let wanted = |key: &&Value| {
                    request.target.ends_with(&format!("id={}", key["id"].as_str().expect("an id")))
                        || request.target.contains("name=")
                };
                reply(200, &json!({"api_keys": self.keys.iter().filter(wanted).collect::<Vec<_>>()}))
            }
        }
    }
}

/// As each API shows what it holds.
fn shown(path: &str, object: &Value) -> Value {
    let (kind, name) = path.rsplit_once('/').expect("a path");
    match kind {
        "/_component_template" => {
            json!({"component_templates": [{"name": name, "component_template": object}]})
        }
        "/_index_template" => json!({"index_templates": [{"name": name, "index_template": object}]}),
        "/_plugins/_ism/policies" => {
            json!({"_id": name, "_seq_no": 7, "_primary_term": 1, "policy": object["policy"]})
        }
        _ => json!({ name: object }),
    }
}

impl Transport for Cluster {
    fn url(&self) -> &str {
        "http://es:9200"
    }

    fn send(&mut self, request: &Request) -> Result<Reply, Unreachable> {
        let looks = request.method == Method::Get || request.target.ends_with("_has_privileges");
        if !looks {
            self.writes.push(format!("{} {}", request.method.name(), request.target));
        }
        (self.fault)(request).unwrap_or_else(|| Ok(self.answer(request)))
    }

    fn pause(&mut self, why: &str) -> bool {
        self.waits.push(why.to_owned());
        self.waits.len() < 10
    }
}
