//! A saved search: a list of documents.

use super::object::{Kind, Reference, SavedObject, text};
use crate::model::{DATA_VIEW, Documents, Panel};
use serde_json::json;

const DATA_VIEW_REFERENCE: &str = "kibanaSavedObjectMeta.searchSourceJSON.index";

pub(super) fn object(panel: &Panel, documents: &Documents) -> SavedObject {
    let columns: Vec<_> = documents.columns.iter().map(|field| field.name).collect();
    let source = json!({
        "query": {"language": "kuery", "query": panel.query},
        "filter": [],
        "indexRefName": DATA_VIEW_REFERENCE,
    });
    let attributes = json!({
        "title": panel.title,
        "description": "",
        "columns": columns,
        "sort": [[documents.sort.name, "desc"]],
        "grid": {},
        "hideChart": true,
        "isTextBasedQuery": false,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
    });
    let references = vec![Reference::new(DATA_VIEW_REFERENCE, Kind::DataView, DATA_VIEW.id)];
    SavedObject { kind: Kind::Search, id: documents.id, attributes, references }
}
