//! Documents of a saved search.

use dashboards::kql::{Literal, Pattern, Query};
use dashboards::lens::Hits;
use serde_json::{Value as Json, json};

/// Longest text of a cell, in characters; the document has it whole.
const TEXT_MAX: usize = 512;

pub(super) fn draw(hits: &Hits) -> Json {
    let rows = hits.hits.iter().map(|hit| {
        let cells = hits.columns.iter().zip(&hit.cells).map(|(field, values)| {
            let marked = hit.highlights.get(field).map(|texts| texts.join(", "));
            cell(field, values, marked)
        });
        let whole = || json!({"v": cut(&hit.document.to_string())});
        let cells: Vec<Json> = if hits.columns.is_empty() { vec![whole()] } else { cells.collect() };
        json!({"id": hit.id, "index": hit.index, "cells": cells})
    });
    let whole = vec!["Document".to_owned()];
    let columns = if hits.columns.is_empty() { &whole } else { &hits.columns };
    json!({"kind": "documents", "columns": columns, "hits": rows.collect::<Vec<_>>(), "total": hits.total})
}

/// `v` is the text, `m` the same with the words marked that were looked for, `f` the clause a click adds.
fn cell(field: &str, values: &[Json], marked: Option<String>) -> Json {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let all: Vec<String> = values.iter().map(text).collect();
    let value = match values {
        [number @ Json::Number(_)] => number.clone(),
        _ => json!(cut(&all.join(", "))),
    };
    let filter = match all.as_slice() {
        [one] if one.len() < TEXT_MAX && field != "@timestamp" && field != "message" => {
            let phrase = Literal::Phrase(one.clone());
            Some(Query::Is(Some(Pattern::plain(field)), phrase).to_string())
        }
        _ => None,
    };
    json!({"v": value, "m": marked.map(|text| cut(&text)), "f": filter})
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
