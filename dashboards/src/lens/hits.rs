//! Saved searches: documents, newest first.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::answer;
use super::context::Context;
use super::fault::AnswerError;
use super::panel::{SavedSearch, SortOrder};
use super::plan::Request;
use super::search::{conditions, search_path};
use crate::kql::Query;

/// Stands before a highlighted word of a [`Hit`]: a private-use character, so it is in no other text.
pub const HIGHLIGHT_START: char = '\u{e000}';
/// Stands behind a highlighted word.
pub const HIGHLIGHT_END: char = '\u{e001}';

/// Documents of a saved search.
#[derive(Debug, Clone, PartialEq)]
pub struct Hits {
    /// Fields shown, the time field first; none: the whole document.
    pub columns: Vec<String>,
    /// Documents in their order.
    pub hits: Vec<Hit>,
    /// How many there are in all; `None` when the engine did not count to the end.
    pub total: Option<u64>,
    /// Why this may not be all: shards that failed, a time-out.
    pub partial: Option<String>,
}

/// One document.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its id.
    pub id: String,
    /// The index that holds it.
    pub index: String,
    /// Values of the columns: several where the field has several, none where it has none.
    pub cells: Vec<Vec<Json>>,
    /// Texts with highlighted words between [`HIGHLIGHT_START`] and [`HIGHLIGHT_END`], by field.
    pub highlights: BTreeMap<String, Vec<String>>,
    /// The document.
    pub document: Json,
}

/// A saved search that waits for its answer.
#[derive(Debug)]
pub(crate) struct HitsRun {
    request: Request,
    columns: Vec<String>,
}

impl HitsRun {
    pub(crate) fn start(search: &SavedSearch, context: &Context) -> Self {
        let view = &search.data_view;
        let clauses = conditions(view, context.range, Some(context), &search.query, &search.filters);
        let mut body = json!({
            "size": search.size,
            "track_total_hits": true,
            "query": {"bool": {"filter": clauses}},
            "sort": sort(search),
            "_source": true,
        });
        if context.query != Query::All {
            body["highlight"] = highlight(&context.query);
        }
        let time = view
            .time_field
            .iter()
            .filter(|field| !search.columns.is_empty() && !search.columns.contains(field));
        let columns = time.chain(&search.columns).cloned().collect();
        Self { request: Request { path: search_path(&view.title), body }, columns }
    }

    pub(crate) fn request(&self) -> Request {
        self.request.clone()
    }

    pub(crate) fn receive(self, answer: &Json) -> Result<Hits, AnswerError> {
        answer::accepted(answer)?;
        let hits = answer["hits"]["hits"].as_array();
        let hits = hits.ok_or_else(|| AnswerError::unexpected("hits", &answer["hits"]))?;
        Ok(Hits {
            hits: hits.iter().map(|hit| self.hit(hit)).collect(),
            total: answer["hits"]["total"]["value"]
                .as_u64()
                .filter(|_| answer["hits"]["total"]["relation"] == "eq"),
            partial: answer::partial(answer),
            columns: self.columns,
        })
    }

    fn hit(&self, hit: &Json) -> Hit {
        let text = |key: &str| hit[key].as_str().unwrap_or_default().to_owned();
        let texts = |list: &Json| {
            list.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let highlights = hit["highlight"].as_object().into_iter().flatten();
        Hit {
            id: text("_id"),
            index: text("_index"),
            cells: self.columns.iter().map(|column| values(&hit["_source"], column)).collect(),
            highlights: highlights.map(|(field, list)| (field.clone(), texts(list))).collect(),
            document: hit["_source"].clone(),
        }
    }
}

/// Marks what the reader asked for, and not what the panel itself asks for.
fn highlight(query: &Query) -> Json {
    json!({
        "pre_tags": [HIGHLIGHT_START],
        "post_tags": [HIGHLIGHT_END],
        "fields": {"*": {"highlight_query": query.to_dsl()}},
        "number_of_fragments": 0,
    })
}

fn sort(search: &SavedSearch) -> Vec<Json> {
    let newest = search.data_view.time_field.clone().map(|field| (field, SortOrder::Descending));
    let given = search.sort.iter().cloned();
    let sorts: Vec<_> = if search.sort.is_empty() { newest.into_iter().collect() } else { given.collect() };
    let one = |(field, order): (String, SortOrder)| {
        let order = if order == SortOrder::Ascending { "asc" } else { "desc" };
        // A field that an index does not know is no reason to fail.
        json!({field: {"order": order, "unmapped_type": "boolean"}})
    };
    sorts.into_iter().map(one).collect()
}

/// The values of a field in a document: its name may be one key with dots, or nested objects, or both.
fn values(document: &Json, field: &str) -> Vec<Json> {
    match document {
        Json::Object(object) => in_object(object, field),
        Json::Array(list) => list.iter().flat_map(|element| values(element, field)).collect(),
        _ => Vec::new(),
    }
}

fn in_object(object: &Map<String, Json>, field: &str) -> Vec<Json> {
    if let Some(value) = object.get(field) {
        return match value {
            Json::Null => Vec::new(),
            Json::Array(list) => list.clone(),
            value => vec![value.clone()],
        };
    }
    let dots = field.match_indices('.').map(|(at, _)| at);
    let below = |at: usize| object.get(&field[..at]).map(|inner| values(inner, &field[at + 1..]));
    dots.filter_map(below).find(|found| !found.is_empty()).unwrap_or_default()
}
