//! Answers to `_bulk`, cut down by `filter_path` as the real server does.

use super::request::Op;

/// How much of an item the client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    took: bool,
    errors: bool,
    index: bool,
    id: bool,
    status: bool,
    error: bool,
    rest: bool,
}

impl Detail {
    /// Everything.
    pub const FULL: Self =
        Self { took: true, errors: true, index: true, id: true, status: true, error: true, rest: true };

    /// Only what a client needs to count.
    pub const SHORT: Self = Self { index: false, id: false, rest: false, ..Self::FULL };

    /// What `query` leaves of an answer. Patterns of depth three at most are understood, exclusions (`-`) are not.
    pub fn of_query(query: &str) -> Self {
        let Some(filter) = query.split('&').find_map(|part| part.strip_prefix("filter_path=")) else {
            return Self::FULL;
        };
        let filter = filter.replace("%2C", ",").replace("%2c", ",").replace("%2A", "*").replace("%2a", "*");
        let mut detail = Self {
            took: false,
            errors: false,
            index: false,
            id: false,
            status: false,
            error: false,
            rest: false,
        };
        filter.split(',').for_each(|pattern| detail.allow(pattern));
        detail
    }

    fn allow(&mut self, pattern: &str) {
        match pattern.strip_prefix("items") {
            None => match pattern {
                "took" => self.took = true,
                "errors" => self.errors = true,
                "*" | "**" => *self = Self::FULL,
                _ => {}
            },
            Some("" | ".*" | ".*.*" | ".**") => {
                *self = Self { took: self.took, errors: self.errors, ..Self::FULL }
            }
            Some(field) => match field.trim_start_matches(".*.").split('.').next() {
                Some("_index") => self.index = true,
                Some("_id") => self.id = true,
                Some("status") => self.status = true,
                Some("error") => self.error = true,
                _ => {}
            },
        }
    }
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Stored as new.
    Created {
        /// Its number in the index.
        seq_no: u64,
    },
    /// Refused.
    Failed(ItemError),
}

/// Why an item was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemError {
    /// HTTP status of the item.
    pub status: u16,
    /// `error.type`.
    pub kind: &'static str,
    /// `error.reason`.
    pub reason: String,
}

impl Outcome {
    /// The item's status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Created { .. } => 201,
            Self::Failed(error) => error.status,
        }
    }
}

/// Builds an answer item by item.
#[derive(Debug)]
pub struct Answer {
    detail: Detail,
    items: Vec<u8>,
    errors: bool,
}

impl Answer {
    /// Starts one.
    pub fn new(detail: Detail) -> Self {
        Self { detail, items: Vec::new(), errors: false }
    }

    /// Adds an item. `index` is the concrete index of a stored document, and the name asked for of a refused one.
    pub fn push(&mut self, op: Op, index: &str, id: &str, outcome: &Outcome) {
        let detail = self.detail;
        let before = self.items.len();
        let mut fields = Fields { out: &mut self.items, first: true };
        fields.open(before > 0, op);
        let mut any = false;
        if detail.index {
            fields.text("_index", index);
            any = true;
        }
        if detail.id {
            fields.text("_id", id);
            any = true;
        }
        if let (Outcome::Created { seq_no }, true) = (outcome, detail.rest) {
            fields.raw(r#""_version":1,"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":"#);
            fields.number(*seq_no);
            fields.raw(r#""_primary_term":1"#);
        }
        if detail.status {
            fields.raw(r#""status":"#);
            fields.number(u64::from(outcome.status()));
            any = true;
        }
        if let Outcome::Failed(error) = outcome {
            self.errors = true;
            if detail.error {
                fields.raw(r#""error":"#);
                fields.out.extend_from_slice(&error_object(error));
                any = true;
            }
        }
        self.items.extend_from_slice(b"}}");
        // A filter that leaves nothing of an item leaves the item out.
        if !any {
            self.items.truncate(before);
        }
    }

    /// The whole body.
    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.items.len() + 64);
        out.push(b'{');
        if self.detail.errors {
            out.extend_from_slice(if self.errors { br#""errors":true,"# } else { br#""errors":false,"# });
        }
        if self.detail.took {
            out.extend_from_slice(br#""took":0,"#);
        }
        if !self.items.is_empty() {
            out.extend_from_slice(br#""items":["#);
            out.extend_from_slice(&self.items);
            out.extend_from_slice(b"],");
        }
        if out.ends_with(b",") {
            out.pop();
        }
        out.push(b'}');
        out
    }
}

/// Body of a request refused whole.
pub fn refusal(status: u16, kind: &str, reason: &str) -> Vec<u8> {
    let error = serde_json::json!({ "type": kind, "reason": reason });
    serde_json::json!({
        "error": { "root_cause": [error], "type": kind, "reason": reason },
        "status": status,
    })
    .to_string()
    .into_bytes()
}

fn error_object(error: &ItemError) -> Vec<u8> {
    serde_json::json!({ "type": error.kind, "reason": error.reason }).to_string().into_bytes()
}

/// Writes the fields of one item.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Fields<'_> {
    fn open(&mut self, follows: bool, op: Op) {
        self.out.extend_from_slice(if follows { b",{\"" } else { b"{\"" });
        self.out.extend_from_slice(op.name().as_bytes());
        self.out.extend_from_slice(b"\":{");
    }

    fn raw(&mut self, text: &str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.extend_from_slice(text.as_bytes());
    }

    fn text(&mut self, name: &str, value: &str) {
        self.raw("\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        if value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
            self.out.push(b'"');
            self.out.extend_from_slice(value.as_bytes());
            self.out.push(b'"');
        } else {
            self.out.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes());
        }
    }

    fn number(&mut self, number: u64) {
        self.out.extend_from_slice(number.to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn answered(query: &str) -> Value {
        let mut answer = Answer::new(Detail::of_query(query));
        answer.push(Op::Create, ".ds-logs-a-000001", "id 1", &Outcome::Created { seq_no: 7 });
        let error = ItemError {
            status: 409,
            kind: "version_conflict_engine_exception",
            reason: "[2]: \"exists\"".into(),
        };
        answer.push(Op::Create, "logs-a", "2", &Outcome::Failed(error));
        serde_json::from_slice(&answer.finish()).expect("JSON")
    }

    #[test]
    fn an_unfiltered_answer_has_the_shape_of_the_real_one() {
        let error = json!({ "type": "version_conflict_engine_exception", "reason": "[2]: \"exists\"" });
        let shards = json!({ "total": 1, "successful": 1, "failed": 0 });
        let expected = json!({ "errors": true, "took": 0, "items": [
            { "create": { "_index": ".ds-logs-a-000001", "_id": "id 1", "_version": 1, "result": "created",
                          "_shards": shards, "_seq_no": 7, "_primary_term": 1, "status": 201 } },
            { "create": { "_index": "logs-a", "_id": "2", "status": 409, "error": error } },
        ]});
        assert_eq!(answered(""), expected);
    }

    #[test]
    fn a_filtered_answer_has_only_what_was_asked_for() {
        let expected = json!({ "errors": true, "items": [{ "create": { "status": 201 } }, { "create": { "status": 409 } }] });
        assert_eq!(answered("timeout=1s&filter_path=errors,items.*.status"), expected);
        assert_eq!(answered("filter_path=items.*.error")["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(answered("filter_path=took"), json!({ "took": 0 }));
    }
}
