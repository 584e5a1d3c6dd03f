//! [`Query`] → query DSL.

use serde_json::{Value, json};

use super::query::{Comparison, Literal, Pattern, Query};

/// Characters with a meaning in `query_string`.
const RESERVED: &str = "+-=&|><!(){}[]^\"~?:\\/* ";

impl Query {
    /// The query as Elasticsearch and OpenSearch take it.
    pub fn to_dsl(&self) -> Value {
        self.clause("")
    }

    /// `prefix` is the path of the nested field around, with its dot.
    fn clause(&self, prefix: &str) -> Value {
        let all = |queries: &[Self]| queries.iter().map(|query| query.clause(prefix)).collect::<Vec<_>>();
        match self {
            Self::All => json!({"match_all": {}}),
            Self::And(queries) => json!({"bool": {"filter": all(queries)}}),
            Self::Or(queries) => any_of(all(queries)),
            Self::Not(query) => json!({"bool": {"must_not": query.clause(prefix)}}),
            Self::Is(None, value) => anywhere(value),
            Self::Is(Some(field), value) => is(&name(field, prefix), field, value),
            Self::Compare(field, comparison, value) => {
                any_of(vec![json!({"range": {name(field, prefix): {comparison.parameter(): value}}})])
            }
            Self::Lucene(text) => json!({"query_string": {"query": text, "analyze_wildcard": true}}),
            Self::Nested(path, query) => {
                let path = name(path, prefix);
                json!({"nested": {"query": query.clause(&format!("{path}.")), "score_mode": "none", "path": path}})
            }
        }
    }
}

impl Comparison {
    fn parameter(self) -> &'static str {
        match self {
            Self::Less => "lt",
            Self::LessOrEqual => "lte",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "gte",
        }
    }
}

fn any_of(clauses: Vec<Value>) -> Value {
    json!({"bool": {"should": clauses, "minimum_should_match": 1}})
}

fn name(field: &Pattern, prefix: &str) -> String {
    format!("{prefix}{}", field.write(str::to_owned))
}

fn is(name: &str, field: &Pattern, value: &Literal) -> Value {
    let anything = matches!(value, Literal::Bare(pattern) if pattern.is_anything());
    match (field.as_plain(), value) {
        _ if anything && field.is_anything() => json!({"match_all": {}}),
        _ if anything => any_of(vec![json!({"exists": {"field": name}})]),
        (None, value) if field.is_anything() => anywhere(value),
        (None, value) => any_of(vec![in_fields(Some(name), value)]),
        (Some(_), Literal::Phrase(text)) => any_of(vec![json!({"match_phrase": {name: text}})]),
        (Some(_), Literal::Boolean(value)) => any_of(vec![json!({"match": {name: value}})]),
        (Some(_), Literal::Bare(pattern)) => match pattern.as_plain() {
            Some(text) => any_of(vec![json!({"match": {name: text}})]),
            None => {
                any_of(vec![json!({"query_string": {"fields": [name], "query": pattern.write(escaped)}})])
            }
        },
    }
}

fn anywhere(value: &Literal) -> Value {
    match value {
        Literal::Bare(pattern) if pattern.is_anything() => json!({"match_all": {}}),
        value => in_fields(None, value),
    }
}

/// A search in the fields of a pattern, or in all.
fn in_fields(fields: Option<&str>, value: &Literal) -> Value {
    let mut clause = match value {
        Literal::Phrase(text) => json!({"multi_match": {"query": text, "type": "phrase", "lenient": true}}),
        Literal::Boolean(value) => {
            json!({"multi_match": {"query": value, "type": "best_fields", "lenient": true}})
        }
        Literal::Bare(pattern) => match pattern.as_plain() {
            Some(text) => json!({"multi_match": {"query": text, "type": "best_fields", "lenient": true}}),
            None => json!({"query_string": {"query": pattern.write(escaped)}}),
        },
    };
    if let (Some(fields), Some(body)) =
        (fields, clause.as_object_mut().and_then(|clause| clause.values_mut().next()))
    {
        body["fields"] = json!([fields]);
    }
    clause
}

fn escaped(piece: &str) -> String {
    let mut text = String::with_capacity(piece.len());
    for character in piece.chars() {
        if RESERVED.contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
    text
}
