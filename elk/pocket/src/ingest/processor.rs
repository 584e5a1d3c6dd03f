//! Processors, read and run.

use super::document::Document;
use super::lag;
use crate::query::text_of;
use crate::store::ApiError;
use crate::time::format::{DateFormat, Missing};
use serde_json::{Map, Value};

/// A pipeline, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    processors: Vec<Processor>,
    on_failure: Vec<Processor>,
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Kept,
    /// It is not to be stored.
    Dropped,
}

/// Why a processor failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

#[derive(Debug, Clone, PartialEq)]
struct Processor {
    work: Work,
    ignore_failure: bool,
    on_failure: Vec<Processor>,
}

#[derive(Debug, Clone, PartialEq)]
enum Work {
    Set {
        field: String,
        value: Result<Value, String>,
        replace: bool,
        ignore_empty: bool,
    },
    Remove {
        fields: Vec<String>,
        ignore_missing: bool,
    },
    Rename {
        from: String,
        to: String,
        ignore_missing: bool,
    },
    Lowercase {
        field: String,
        target: String,
        ignore_missing: bool,
    },
    Append {
        field: String,
        values: Vec<Value>,
        repeat: bool,
    },
    Date {
        field: String,
        target: String,
        formats: Vec<DateFormat>,
    },
    Fail(String),
    Drop,
    /// The script of `blueox setup`.
    Lag,
}

impl Pipeline {
    /// Reads the body of `PUT _ingest/pipeline/<name>`.
    pub fn parse(body: &Value) -> Result<Self, ApiError> {
        let list = body.get("processors").and_then(Value::as_array).ok_or_else(|| {
            ApiError::new(400, "parse_exception", "[processors] required property is missing")
        })?;
        let on_failure = body
            .get("on_failure")
            .and_then(Value::as_array)
            .map_or(Ok(Vec::new()), |list| processors(list))?;
        Ok(Self { processors: processors(list)?, on_failure })
    }

    /// Runs it over a document.
    pub fn run(&self, document: &mut Document<'_>) -> Result<Verdict, Failure> {
        match run_all(&self.processors, document) {
            Err(_) if !self.on_failure.is_empty() => run_all(&self.on_failure, document),
            outcome => outcome,
        }
    }
}

fn run_all(processors: &[Processor], document: &mut Document<'_>) -> Result<Verdict, Failure> {
    for processor in processors {
        let outcome = match processor.work.run(document) {
            Err(_) if !processor.on_failure.is_empty() => run_all(&processor.on_failure, document),
            Err(_) if processor.ignore_failure => Ok(Verdict::Kept),
            outcome => outcome,
        };
        if outcome? == Verdict::Dropped {
            return Ok(Verdict::Dropped);
        }
    }
    Ok(Verdict::Kept)
}

fn processors(list: &[Value]) -> Result<Vec<Processor>, ApiError> {
    list.iter().map(processor).collect()
}

fn processor(value: &Value) -> Result<Processor, ApiError> {
    let (name, body) =
        value.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next()).ok_or_else(
            || ApiError::new(400, "parse_exception", "a processor must be an object with one entry"),
        )?;
    let body = body.as_object().cloned().unwrap_or_default();
    let mut parameters = Parameters { name, body };
    let ignore_failure = parameters.flag("ignore_failure", false);
    parameters.body.remove("description");
    parameters.body.remove("tag");
    let on_failure = match parameters.body.remove("on_failure") {
        Some(Value::Array(list)) => processors(&list)?,
        _ => Vec::new(),
    };
    let work = parameters.work()?;
    match parameters.body.keys().next() {
        Some(key) => Err(parameters.refuse(&format!(
            "processor [{name}] doesn't support one or more provided configuration parameters [{key}]"
        ))),
        None => Ok(Processor { work, ignore_failure, on_failure }),
    }
}

/// The parameters of a processor; those that were read are taken out, what is left is unknown.
struct Parameters<'a> {
    name: &'a str,
    body: Map<String, Value>,
}

impl Parameters<'_> {
    fn refuse(&self, reason: &str) -> ApiError {
        let mut error = ApiError::new(400, "parse_exception", reason);
        error.details.insert("processor_type".to_owned(), Value::from(self.name));
        error
    }

    fn text(&mut self, key: &str) -> Result<String, ApiError> {
        match self.body.remove(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self.refuse(&format!("[{key}] required property is missing"))),
        }
    }

    fn flag(&mut self, key: &str, default: bool) -> bool {
        self.body.remove(key).and_then(|value| value.as_bool()).unwrap_or(default)
    }

    fn list(&mut self, key: &str) -> Result<Vec<Value>, ApiError> {
        match self.body.remove(key) {
            Some(Value::Array(values)) => Ok(values),
            Some(value) => Ok(vec![value]),
            None => Err(self.refuse(&format!("[{key}] required property is missing"))),
        }
    }

    fn texts(&mut self, key: &str) -> Result<Vec<String>, ApiError> {
        Ok(self.list(key)?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn work(&mut self) -> Result<Work, ApiError> {
        if self.body.contains_key("if") {
            return Err(self.refuse("[if] needs a script engine, which this store has not"));
        }
        Ok(match self.name {
            "set" => {
                let value = match (self.body.remove("value"), self.body.remove("copy_from")) {
                    (Some(value), None) => Ok(value),
                    (None, Some(Value::String(from))) => Err(from),
                    _ => return Err(self.refuse("[value] required property is missing")),
                };
                self.body.remove("media_type");
                Work::Set {
                    field: self.text("field")?,
                    value,
                    replace: self.flag("override", true),
                    ignore_empty: self.flag("ignore_empty_value", false),
                }
            }
            "remove" => Work::Remove {
                fields: self.texts("field")?,
                ignore_missing: self.flag("ignore_missing", false),
            },
            "rename" => Work::Rename {
                from: self.text("field")?,
                to: self.text("target_field")?,
                ignore_missing: self.flag("ignore_missing", false),
            },
            "lowercase" => {
                let field = self.text("field")?;
                let target = self.text("target_field").unwrap_or_else(|_| field.clone());
                Work::Lowercase { field, target, ignore_missing: self.flag("ignore_missing", false) }
            }
            "append" => Work::Append {
                field: self.text("field")?,
                values: self.list("value")?,
                repeat: self.flag("allow_duplicates", true),
            },
            "date" => {
                let target = self.text("target_field").unwrap_or_else(|_| "@timestamp".to_owned());
                let formats = self
                    .texts("formats")?
                    .iter()
                    .map(|text| self.date_format(text))
                    .collect::<Result<_, _>>()?;
                Work::Date { field: self.text("field")?, target, formats }
            }
            "fail" => Work::Fail(self.text("message")?),
            "drop" => Work::Drop,
            "script" => self.script()?,
            unknown => return Err(self.refuse(&format!("No processor type exists with name [{unknown}]"))),
        })
    }

    fn script(&mut self) -> Result<Work, ApiError> {
        self.body.remove("lang");
        match lag::is_it(&self.text("source")?) {
            true => Ok(Work::Lag),
            false => {
                Err(self.refuse("this store has no script engine; it runs the script of `blueox setup` only"))
            }
        }
    }

    fn date_format(&self, text: &str) -> Result<DateFormat, ApiError> {
        let text = match text {
            "ISO8601" => "iso8601",
            "UNIX" => "epoch_second",
            "UNIX_MS" => "epoch_millis",
            other => other,
        };
        DateFormat::parse(text).map_err(|part| self.refuse(&format!("Invalid format: [{part}]")))
    }
}

impl Work {
    fn run(&self, document: &mut Document<'_>) -> Result<Verdict, Failure> {
        let missing = |field: &str| Failure(format!("field [{field}] not present as part of path [{field}]"));
        match self {
            Self::Set { field, value, replace, ignore_empty } => {
                let field = document.fill(field);
                if !replace && document.value(&field).is_some_and(|value| !value.is_null()) {
                    return Ok(Verdict::Kept);
                }
                let value = match value {
                    Ok(value) => filled(value, document),
                    Err(from) => document.value(from).ok_or_else(|| missing(from))?,
                };
                if *ignore_empty && (value.is_null() || value == "") {
                    return Ok(Verdict::Kept);
                }
                document.set(&field, value)?;
            }
            Self::Remove { fields, ignore_missing } => {
                for field in fields {
                    if document.take(&document.fill(field)).is_none() && !ignore_missing {
                        return Err(missing(field));
                    }
                }
            }
            Self::Rename { from, to, ignore_missing } => match document.take(from) {
                Some(value) if document.value(to).is_some() => {
                    document.put(from, value);
                    return Err(Failure(format!("field [{to}] already exists")));
                }
                Some(value) => document.set(to, value)?,
                None if *ignore_missing => {}
                None => return Err(Failure(format!("field [{from}] doesn't exist"))),
            },
            Self::Lowercase { field, target, ignore_missing } => match document.value(field) {
                Some(Value::String(text)) => document.set(target, Value::String(text.to_lowercase()))?,
                None | Some(Value::Null) if *ignore_missing => {}
                None | Some(Value::Null) => return Err(missing(field)),
                Some(_) => return Err(Failure(format!("field [{field}] is not a string"))),
            },
            Self::Append { field, values, repeat } => {
                let field = document.fill(field);
                let mut list = match document.value(&field) {
                    Some(Value::Array(list)) => list,
                    Some(Value::Null) | None => Vec::new(),
                    Some(one) => vec![one],
                };
                for value in values {
                    let value = filled(value, document);
                    if *repeat || !list.contains(&value) {
                        list.push(value);
                    }
                }
                document.set(&field, Value::Array(list))?;
            }
            Self::Date { field, target, formats } => {
                let text = text_of(&document.value(field).ok_or_else(|| missing(field))?);
                let nanos = formats.iter().find_map(|format| format.read(&text, Missing::First, 0));
                let nanos = nanos.ok_or_else(|| Failure(format!("unable to parse date [{text}]")))?;
                document.set(target, Value::String(DateFormat::default().print(nanos, 0)))?;
            }
            Self::Fail(message) => return Err(Failure(document.fill(message))),
            Self::Drop => return Ok(Verdict::Dropped),
            Self::Lag => lag::run(document)?,
        }
        Ok(Verdict::Kept)
    }
}

fn filled(value: &Value, document: &Document<'_>) -> Value {
    match value {
        Value::String(text) if text.contains("{{") => Value::String(document.fill(text)),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(processors: Value, document: Value) -> Result<(Verdict, Value), String> {
        let pipeline = Pipeline::parse(&json!({"processors": processors})).map_err(|error| error.reason)?;
        let text = document.to_string();
        let mut document = Document::read(text.as_bytes(), "2026-01-01T00:00:00.000Z").unwrap();
        let verdict = pipeline.run(&mut document).map_err(|failure| failure.0)?;
        Ok((verdict, serde_json::from_slice(&document.print().unwrap()).unwrap()))
    }

    #[test]
    fn processors_change_documents() {
        let kept = |document| Ok((Verdict::Kept, document));
        let setup: Value =
            serde_json::from_str(include_str!("../../../elasticsearch/pipeline.json")).unwrap();
        for (processors, document, expected) in [
            (
                json!([{"set": {"field": "event.ingested", "value": "{{{_ingest.timestamp}}}"}}]),
                json!({"event": {"a": 1}}),
                kept(json!({"event": {"a": 1, "ingested": "2026-01-01T00:00:00.000Z"}})),
            ),
            (
                json!([{"set": {"field": "a", "value": 1, "override": false}}]),
                json!({"a": 2}),
                kept(json!({"a": 2})),
            ),
            (
                json!([{"rename": {"field": "a.b", "target_field": "c"}}]),
                json!({"a": {"b": 2}}),
                kept(json!({"a": {}, "c": 2})),
            ),
            (
                json!([{"lowercase": {"field": "a"}}, {"append": {"field": "a", "value": ["{{b}}"]}}]),
                json!({"a": "X", "b": 1}),
                kept(json!({"a": ["x", "1"], "b": 1})),
            ),
            (
                json!([{"date": {"field": "t", "formats": ["UNIX"]}}, {"remove": {"field": "t"}}]),
                json!({"t": "1767225600"}),
                kept(json!({"@timestamp": "2026-01-01T00:00:00.000Z"})),
            ),
            (
                setup["processors"].clone(),
                json!({"@timestamp": "2025-12-31T23:59:58.750Z", "event": {}}),
                kept(json!({
                    "@timestamp": "2025-12-31T23:59:58.750Z",
                    "event": {"ingested": "2026-01-01T00:00:00.000Z", "ingest_lag_ms": 1250},
                })),
            ),
            (
                json!([{"script": {"source": "ctx.a = 1"}}]),
                json!({}),
                Err("this store has no script engine; it runs the script of `blueox setup` only".to_owned()),
            ),
            (json!([{"drop": {}}]), json!({}), Ok((Verdict::Dropped, json!({})))),
            (json!([{"remove": {"field": "x", "ignore_failure": true}}]), json!({}), kept(json!({}))),
            (
                json!([{"remove": {"field": "x"}}]),
                json!({}),
                Err("field [x] not present as part of path [x]".to_owned()),
            ),
            (
                json!([{"fail": {"message": "refused {{a}}", "on_failure": [{"set": {"field": "b", "value": 1}}]}}]),
                json!({}),
                kept(json!({"b": 1})),
            ),
            (json!([{"nope": {}}]), json!({}), Err("No processor type exists with name [nope]".to_owned())),
            (
                json!([{"set": {"field": "a", "value": 1, "x": 1}}]),
                json!({}),
                Err("processor [set] doesn't support one or more provided configuration parameters [x]"
                    .to_owned()),
            ),
        ] {
            assert_eq!(run(processors.clone(), document), expected, "{processors}");
        }
    }
}
