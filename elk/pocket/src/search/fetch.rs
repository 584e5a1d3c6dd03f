//! From places of documents to what is shown of them.

use super::highlight::phrases_for;
use super::request::Request;
use super::run::Target;
use super::sort::{Sorting, TopHit};
use super::source::{SourceFilter, values_at};
use crate::aggregation::Share;
use crate::index::{Segment, StoredDocument};
use crate::mapping::{Field, Kind};
use crate::query::{Scope, ignored_field};
use crate::store::ApiError;
use crate::time::format::DateFormat;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A document of an answer.
#[derive(Debug, Serialize)]
pub struct Hit {
    /// Its index.
    #[serde(rename = "_index")]
    pub index: String,
    /// Its id.
    #[serde(rename = "_id")]
    pub id: String,
    /// Its version, where asked for.
    #[serde(rename = "_version", skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Its place in the order of writing, where asked for.
    #[serde(rename = "_seq_no", skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// 1, where `_seq_no` is.
    #[serde(rename = "_primary_term", skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// Always null: nothing is ranked.
    #[serde(rename = "_score")]
    pub score: Option<f64>,
    /// Fields whose values were not taken.
    #[serde(rename = "_ignored", skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Value>,
    /// The document.
    #[serde(rename = "_source", skip_serializing_if = "Option::is_none")]
    pub source: Option<Box<RawValue>>,
    /// Values of fields, where asked for.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// Marked pieces, where asked for.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub highlight: Map<String, Value>,
    /// What it was ordered by, where an order was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sort: Vec<Value>,
}

impl Hit {
    /// Bytes held, about: values of fields as small trees.
    fn size(&self) -> usize {
        let values = self.fields.len() + self.highlight.len() + self.sort.len() + self.ignored.len();
        let texts = self.sort.iter().chain(self.fields.values()).chain(self.highlight.values()).map(text_len);
        let source = self.source.as_ref().map_or(0, |source| source.get().len());
        size_of::<Self>() + self.index.len() + self.id.len() + source + values * TREE + texts.sum::<usize>()
    }
}

/// What a value and its name take in a tree beside their texts.
const TREE: usize = 160;

/// Bytes of the texts in a value.
fn text_len(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| size_of::<Value>() + text_len(value)).sum(),
        _ => 0,
    }
}

/// Reads documents, block by block of their segments, and shows them in the order of `hits`; `share` holds them.
pub(super) fn fetch(
    hits: &[TopHit],
    places: &[(&Target, &Sorting, &Scope<'_>)],
    request: &Request,
    share: &mut Share<'_>,
) -> Result<Vec<Hit>, ApiError> {
    let mut by_segment: BTreeMap<(u32, u32), Vec<usize>> = BTreeMap::new();
    for (at, hit) in hits.iter().enumerate() {
        by_segment.entry(hit.place).or_default().push(at);
    }
    let mut shown: Vec<Option<Hit>> = (0..hits.len()).map(|_| None).collect();
    for (place, mut members) in by_segment {
        let (target, sorting, _) = places[place.0 as usize];
        let segment = &target.snapshot.segments[place.1 as usize];
        members.sort_by_key(|at| hits[*at].doc);
        let docs: Vec<u32> = members.iter().map(|at| hits[*at].doc).collect();
        let mut members = members.into_iter();
        segment.each_document(&docs, |document| {
            let Some(at) = members.next() else { return Ok(()) };
            let hit = show(target, segment, sorting, &hits[at], document, request)?;
            share.grow(hit.size())?;
            shown[at] = Some(hit);
            Ok::<(), ApiError>(())
        })?;
    }
    Ok(shown.into_iter().flatten().collect())
}

fn show(
    target: &Target,
    segment: &Segment,
    sorting: &Sorting,
    hit: &TopHit,
    document: StoredDocument,
    request: &Request,
) -> Result<Hit, ApiError> {
    let mut fields = Map::new();
    let tree = || serde_json::from_slice::<Value>(&document.source).unwrap_or(Value::Null);
    for (pattern, format) in &request.docvalue_fields {
        for (name, field) in target.mapping.names(pattern) {
            insert(&mut fields, name, column_values(segment, field, hit.doc, format.as_deref())?);
        }
    }
    for (pattern, format) in &request.fields {
        for (name, field) in target.mapping.names(pattern) {
            let values = match field.kind {
                Kind::Text => text_values(&tree(), &field.path),
                Kind::Keyword { .. } | Kind::Number(_) => in_order(
                    column_values(segment, field, hit.doc, None)?,
                    &text_values(&tree(), &field.path),
                ),
                _ => column_values(segment, field, hit.doc, format.as_deref())?,
            };
            insert(&mut fields, name, values);
        }
    }
    let mut highlight = Map::new();
    if let Some(wanted) = &request.highlight {
        for field in wanted.fields.iter().flat_map(|pattern| target.mapping.matching(pattern)) {
            let mut words = Vec::new();
            phrases_for(&request.query, field, &target.mapping, &mut words);
            let texts = text_values(&tree(), &field.path);
            let marked: Vec<String> =
                texts.iter().filter_map(Value::as_str).flat_map(|text| wanted.mark(text, &words)).collect();
            if !marked.is_empty() {
                highlight.insert(field.path.clone(), json!(marked));
            }
        }
    }
    Ok(Hit {
        index: target.name.clone(),
        source: shown_source(&document, &request.source)?,
        id: document.id,
        version: request.version.then_some(document.version),
        sequence: request.sequence.then_some(document.sequence),
        term: request.sequence.then_some(1),
        score: None,
        ignored: column_values(segment, &ignored_field(), hit.doc, None)?,
        fields,
        highlight,
        sort: sorting.show(hit),
    })
}

/// `values` as often and in the order they stand in the document; as they are where that tells them otherwise.
fn in_order(values: Vec<Value>, written: &[Value]) -> Vec<Value> {
    let same = |one: &Value, other: &Value| match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    };
    let find = |written: &Value| values.iter().find(|value| same(value, written)).cloned();
    let ordered: Vec<Value> = written.iter().filter_map(find).collect();
    if ordered.len() < values.len() { values } else { ordered }
}

fn insert(fields: &mut Map<String, Value>, name: &str, values: Vec<Value>) {
    if !values.is_empty() {
        fields.insert(name.to_owned(), Value::Array(values));
    }
}

fn shown_source(document: &StoredDocument, filter: &SourceFilter) -> Result<Option<Box<RawValue>>, ApiError> {
    let broken = |error: serde_json::Error| {
        ApiError::internal(format!("document [{}] cannot be read: {error}", document.id))
    };
    match filter {
        SourceFilter::None => Ok(None),
        SourceFilter::All => serde_json::from_slice(&document.source).map(Some).map_err(broken),
        filter => {
            let tree: Value = serde_json::from_slice(&document.source).map_err(broken)?;
            serde_json::value::to_raw_value(&filter.apply(tree)).map(Some).map_err(broken)
        }
    }
}

fn text_values(tree: &Value, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    values_at(tree, path, &mut found);
    found.into_iter().cloned().collect()
}

/// The values of a field as doc values show them.
fn column_values(
    segment: &Segment,
    field: &Field,
    doc: u32,
    format: Option<&str>,
) -> Result<Vec<Value>, ApiError> {
    if matches!(field.kind, Kind::Keyword { .. } | Kind::Flattened) {
        let Some(column) = segment.keywords(field.id)? else { return Ok(Vec::new()) };
        let mut values = Vec::new();
        for ord in column.term_ords(doc) {
            let mut text = String::new();
            column.ord_to_str(ord, &mut text)?;
            values.push(json!(text));
        }
        return Ok(values);
    }
    if matches!(field.kind, Kind::Text | Kind::Unindexed) {
        return Ok(Vec::new());
    }
    let Some(column) = segment.numbers(field.id)? else { return Ok(Vec::new()) };
    let own = match format {
        Some(text) => Some(
            DateFormat::parse(text).map_err(|part| ApiError::illegal(format!("Invalid format: [{part}]")))?,
        ),
        None => None,
    };
    let show = |stored: i64| match &field.kind {
        Kind::Date { format, unit } => {
            json!(own.as_ref().unwrap_or(format).print(stored.saturating_mul(*unit), 0))
        }
        Kind::Boolean => json!(stored != 0),
        kind if kind.is_whole() && !matches!(kind, Kind::Number(crate::mapping::Number::UnsignedLong)) => {
            json!(stored)
        }
        kind => json!(kind.decode(stored)),
    };
    Ok(column.values_for_doc(doc).map(show).collect())
}
