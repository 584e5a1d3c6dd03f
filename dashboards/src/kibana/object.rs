//! One saved object, one line.

use serde_json::{Value, json};

/// Kinds of saved objects that are written, each with the version of its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    DataView,
    Search,
    Dashboard,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::DataView => "index-pattern",
            Self::Search => "search",
            Self::Dashboard => "dashboard",
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::DataView | Self::Search => "8.0.0",
            Self::Dashboard => "8.9.0",
        }
    }
}

/// That an object speaks of another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    name: String,
    id: String,
    kind: &'static str,
}

impl Reference {
    pub(super) fn new(name: impl Into<String>, kind: Kind, id: &str) -> Self {
        Self { name: name.into(), id: id.to_owned(), kind: kind.name() }
    }

    pub(super) fn json(&self) -> Value {
        json!({"name": self.name, "type": self.kind, "id": self.id})
    }
}

pub(super) struct SavedObject {
    pub(super) kind: Kind,
    pub(super) id: &'static str,
    pub(super) attributes: Value,
    pub(super) references: Vec<Reference>,
}

impl SavedObject {
    pub(super) fn line(mut self) -> String {
        self.references.sort();
        let references: Vec<_> = self.references.iter().map(Reference::json).collect();
        // Managed objects are shown as such and can be duplicated but not edited: the next import would undo an edit.
        let mut line = text(json!({
            "type": self.kind.name(),
            "id": self.id,
            "attributes": self.attributes,
            "references": references,
            "coreMigrationVersion": "8.8.0",
            "typeMigrationVersion": self.kind.version(),
            "managed": true,
        }));
        line.push('\n');
        line
    }
}

/// JSON as a text, keys sorted. Several attributes are such texts.
pub(super) fn text(mut value: Value) -> String {
    // Whether a map keeps the order of insertion depends on what other crates of a build ask of `serde_json`.
    value.sort_all_objects();
    value.to_string()
}
