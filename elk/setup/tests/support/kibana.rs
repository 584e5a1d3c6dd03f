//! A Kibana that behaves as its import and export are documented: a whole file or nothing, 200 also for a failure.
//!
//! None can be had where these tests run; the files themselves are held against Kibana's rules in `dashboards`.

use elk_setup::transport::{Method, Reply, Request, Transport, Unreachable};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct Kibana {
    version: &'static str,
    /// Spaces beside the default one.
    pub spaces: Vec<&'static str>,
    /// Looks at the status before it is available.
    pub starting: usize,
    /// What an import answers instead of importing.
    pub refusal: Option<(u16, Value)>,
    /// Saved objects by space, type and id.
    pub objects: BTreeMap<String, Value>,
    /// Whether it names its version: only to those who are logged in.
    pub logged_in: bool,
    /// Requests that change something.
    pub writes: Vec<String>,
    pub waits: Vec<String>,
}

impl Kibana {
    pub fn new(version: &'static str) -> Self {
        Self {
            version,
            spaces: vec!["ops"],
            starting: 0,
            refusal: None,
            objects: BTreeMap::new(),
            logged_in: true,
            writes: Vec::new(),
            waits: Vec::new(),
        }
    }

    fn answer(&mut self, request: &Request) -> (u16, Value) {
        let target = request.target.as_str();
        let (space, path) = match target.strip_prefix("/s/").and_then(|rest| rest.split_once('/')) {
            Some((space, _)) => (space, &target[3 + space.len()..]),
            None => ("default", target),
        };
        match (request.method, path.split('?').next().unwrap_or_default()) {
            (Method::Get, "/api/status") => self.status(),
            (Method::Get, path) if path.starts_with("/api/spaces/space/") => {
                let known = self.spaces.iter().any(|space| path.ends_with(space));
                if known {
                    (200, json!({"id": "x"}))
                } else {
                    (404, json!({"statusCode": 404, "message": "Not Found"}))
                }
            }
            (Method::Post, "/api/saved_objects/_export") => self.export(space, request),
            (Method::Post, "/api/saved_objects/_import") => self.import(space, request),
            (Method::Delete, path) => {
                let name = path.trim_start_matches("/api/saved_objects/");
                match self.objects.remove(&format!("{space}/{name}")) {
                    Some(_) => (200, json!({})),
                    None => (404, json!({"statusCode": 404, "message": "not found"})),
                }
            }
            (method, path) => panic!("Kibana has no {} {path}", method.name()),
        }
    }

    fn status(&mut self) -> (u16, Value) {
        if self.starting > 0 {
            self.starting -= 1;
            return (503, json!({"statusCode": 503, "message": "Kibana server is not ready yet"}));
        }
        if !self.logged_in {
            return (200, json!({"status": {"overall": {"level": "available"}}}));
        }
        (200, json!({"version": {"number": self.version}, "status": {"overall": {"level": "available"}}}))
    }

    fn export(&self, space: &str, request: &Request) -> (u16, Value) {
        let (_, body) = request.body.as_ref().expect("a body");
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let wanted = &body["objects"][0];
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let (kind, id) = (text(&wanted["type"]), text(&wanted["id"]));
        match self.objects.get(&format!("{space}/{kind}/{id}")) {
            Some(object) => (200, object.clone()),
            None => {
                let error =
                    json!({"id": id, "type": kind, "error": {"statusCode": 404, "message": "not found"}});
                (
                    400,
                    json!({"statusCode": 400, "message": "Error fetching objects to export", "attributes": {"objects": [error]}}),
                )
            }
        }
    }

    fn import(&mut self, space: &str, request: &Request) -> (u16, Value) {
        if let Some(refusal) = &self.refusal {
            return refusal.clone();
        }
        assert!(request.target.ends_with("?overwrite=true"), "{}", request.target);
        let lines = file_of(request);
        for line in &lines {
            let text = |name: &str| line[name].as_str().expect("text").to_owned();
            let mut object = line.clone();
            // What a newer Kibana adds by its migrations.
            object["attributes"]["added"] = json!(true);
            self.objects.insert(format!("{space}/{}/{}", text("type"), text("id")), object);
        }
        (200, json!({"success": true, "successCount": lines.len(), "successResults": []}))
    }
}

/// The saved objects in the one file of a multipart form.
fn file_of(request: &Request) -> Vec<Value> {
    let (kind, body) = request.body.as_ref().expect("a body");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a form");
    let text = String::from_utf8(body.clone()).expect("UTF-8");
    let part = text.strip_prefix(&format!("--{boundary}\r\n")).expect("the first boundary");
    let part = part.strip_suffix(&format!("\r\n--{boundary}--\r\n")).expect("the last boundary");
    let (head, file) = part.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("name=\"file\"") && head.contains(".ndjson\""), "{head}");
    file.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

impl Transport for Kibana {
    fn url(&self) -> &str {
        "http://kibana:5601"
    }

    fn send(&mut self, request: &Request) -> Result<Reply, Unreachable> {
        if request.method != Method::Get && !request.target.ends_with("_export") {
            self.writes.push(format!("{} {}", request.method.name(), request.target));
        }
        let xsrf = request.headers.iter().any(|(name, _)| *name == "kbn-xsrf");
        assert!(xsrf || request.method == Method::Get, "Kibana answers 400 without kbn-xsrf");
        let (status, body) = self.answer(request);
        Ok(Reply { status, body: body.to_string().into_bytes() })
    }

    fn pause(&mut self, why: &str) -> bool {
        self.waits.push(why.to_owned());
        self.waits.len() < 10
    }
}
