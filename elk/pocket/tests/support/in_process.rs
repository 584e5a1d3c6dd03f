//! The store in the process of the test itself.

use bytes::Bytes;
use pocket_elk::store::{Action, Kind, Store};
use serde_json::Value;

/// A store with documents, and its folder.
pub(crate) struct Filled {
    pub(crate) _folder: tempfile::TempDir,
    pub(crate) store: Store,
}

/// An action on a document of the index `x`.
pub(crate) fn action(kind: Kind, id: usize, source: &Value) -> Action {
    Action {
        kind,
        index: "x".to_owned(),
        id: Some(id.to_string()),
        pipeline: None,
        require_alias: false,
        require_data_stream: false,
        source: if kind == Kind::Delete { Bytes::new() } else { Bytes::from(source.to_string()) },
    }
}
