//! Controls: lists to choose values of a field from.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::answer;
use super::board::DataView;
use super::context::Context;
use super::fault::AnswerError;
use super::filter::Selection;
use super::plan::Request;
use super::search::{conditions, search_path};
use crate::kql::Query;

/// Most values offered at a time.
const VALUES_MAX: u32 = 100;

/// A list to choose values of a field from.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// The field.
    pub field: String,
    /// Where its values are.
    pub data_view: Arc<DataView>,
    /// What is chosen when the board opens.
    pub selection: Selection,
}

/// A value that can be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The value, as a [`Selection`] takes it.
    pub value: Json,
    /// Documents with it.
    pub documents: u64,
}

impl Control {
    /// The request for the values to offer: the most frequent ones that begin with `prefix`, at most 100.
    ///
    /// Time, query, filters and what is chosen for other fields narrow them; what is chosen for this field does not.
    /// A prefix other than the empty one needs a field of texts.
    pub fn values(&self, context: &Context, prefix: &str) -> Request {
        let others = context.selections.iter().filter(|selection| selection.field != self.field);
        let board = Context { selections: others.cloned().collect(), ..context.clone() };
        let clauses = conditions(&self.data_view, context.range, Some(&board), &Query::All, &[]);
        let mut terms = json!({"field": self.field, "size": VALUES_MAX, "order": {"_count": "desc"}});
        if !prefix.is_empty() {
            terms["include"] = json!(format!("{}.*", escaped(prefix)));
        }
        let body = json!({
            "size": 0,
            "track_total_hits": false,
            "query": {"bool": {"filter": clauses}},
            "aggs": {"values": {"terms": terms}},
        });
        Request { path: search_path(&self.data_view.title), body }
    }

    /// The values in the answer to that request, most frequent first.
    pub fn choices(&self, answer: &Json) -> Result<Vec<Choice>, AnswerError> {
        answer::accepted(answer)?;
        // Without an index there is no aggregation either.
        let buckets =
            answer["aggregations"]["values"]["buckets"].as_array().map(Vec::as_slice).unwrap_or_default();
        let choice = |bucket: &Json| {
            // Keys of booleans are numbers, with the word beside them.
            let value = match bucket["key_as_string"].as_str() {
                Some(word @ ("true" | "false")) => json!(word == "true"),
                _ => bucket["key"].clone(),
            };
            Ok(Choice { value, documents: answer::count(bucket)? })
        };
        buckets.iter().map(choice).collect()
    }
}

/// A text without the meaning that characters have in the engines' regular expressions.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if ".?+*|{}[]()\"\\#@&<>~^$-".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
