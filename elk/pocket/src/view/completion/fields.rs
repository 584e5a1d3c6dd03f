//! The fields there are, kept for a while.

use super::{Choice, LINES};
use crate::view::fault::Fault;
use crate::view::source::Source;
use dashboards::lens::{Context, Control, TimeRange};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// New fields are offered after this.
const KEPT: Duration = Duration::from_secs(20);
/// Most fields kept; an index template allows far fewer.
const FIELDS_MAX: usize = 20_000;
/// Offered first where nothing is typed yet.
const FIRST: [&str; 6] =
    ["service.name", "log.level", "message", "http.response.status_code", "http.route", "error.type"];

/// What can be asked of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Whole texts, which have values to offer.
    Text,
    /// Running text.
    Words,
    Boolean,
    Number,
    Date,
    Other,
}

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) family: Family,
    /// As the engine calls it.
    kind: String,
}

impl Field {
    fn of(name: &str, kind: &str) -> Self {
        let family = match kind {
            "keyword" | "constant_keyword" | "wildcard" | "flattened" | "ip" => Family::Text,
            "text" | "match_only_text" => Family::Words,
            "boolean" => Family::Boolean,
            "date" | "date_nanos" => Family::Date,
            "byte" | "short" | "integer" | "long" | "unsigned_long" | "half_float" | "float" | "double"
            | "scaled_float" => Family::Number,
            _ => Family::Other,
        };
        Self { name: name.to_owned(), family, kind: kind.to_owned() }
    }

    pub(super) fn is_ordered(&self) -> bool {
        matches!(self.family, Family::Number | Family::Date)
    }
}

/// Fields by name.
pub(super) type ByName = BTreeMap<String, Field>;

/// What was answered last.
#[derive(Debug, Default)]
pub(super) struct Fields {
    kept: Mutex<Option<(Instant, Arc<ByName>)>>,
}

impl Fields {
    /// The fields where the control looks.
    pub(super) async fn of(&self, source: &Source, control: &Control) -> Result<Arc<ByName>, Fault> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, fields)) = kept
            && since.elapsed() < KEPT
        {
            return Ok(fields);
        }
        debug_assert_eq!(control.data_view.title, LINES, "one set of fields is kept");
        let path = control.values(&Context::new(TimeRange::between(0, 0), 0), "").path;
        let fields = Arc::new(read(&source.fields(&path).await?));
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), Arc::clone(&fields)));
        Ok(fields)
    }
}

fn read(answer: &Json) -> ByName {
    let mut fields = ByName::new();
    for (name, kinds) in answer["fields"].as_object().into_iter().flatten().take(FIELDS_MAX) {
        let kinds = kinds.as_object().into_iter().flatten();
        let kind = kinds.filter(|(_, caps)| caps["metadata_field"] != true && caps["searchable"] == true);
        if let Some((kind, _)) = kind.map(|(kind, caps)| (kind.as_str(), caps)).next() {
            fields.insert(name.clone(), Field::of(name, kind));
        }
    }
    fields
}

/// The field whose values stand for those of this name: itself, or the whole texts beside running text.
pub(super) fn valued(fields: &ByName, name: &str) -> Option<Field> {
    let field = fields.get(name)?;
    match field.family {
        Family::Text | Family::Boolean | Family::Number => Some(field.clone()),
        Family::Words => {
            fields.get(&format!("{name}.keyword")).filter(|field| field.family == Family::Text).cloned()
        }
        Family::Date | Family::Other => None,
    }
}

/// Names that begin with the prefix, then those of which a part does, then those that hold it.
pub(super) fn begun(fields: &ByName, prefix: &str, from: usize) -> Vec<Choice> {
    let looked_for = prefix.to_lowercase();
    let rank = |name: &str| {
        let name = name.to_lowercase();
        match () {
            () if name.starts_with(&looked_for) => Some(0),
            () if name.contains(&format!(".{looked_for}")) => Some(1),
            () if name.contains(&looked_for) => Some(2),
            () => None,
        }
    };
    let first = |name: &str| FIRST.iter().position(|one| *one == name).unwrap_or(FIRST.len());
    let mut found: Vec<(usize, usize, &Field)> =
        fields.values().filter_map(|field| Some((rank(&field.name)?, first(&field.name), field))).collect();
    found.sort_by_key(|(rank, first, field)| (*rank, *first, &field.name));
    let choice = |(.., field): (usize, usize, &Field)| Choice {
        kind: "field",
        text: field.name.clone(),
        from,
        detail: field.kind.clone(),
    };
    found.into_iter().map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_so_come_before_those_that_hold_it() {
        let names = ["service.name", "host.name", "name", "service.version", "log.level", "username"];
        let fields: ByName =
            names.iter().map(|name| ((*name).to_owned(), Field::of(name, "keyword"))).collect();
        let texts =
            |prefix| begun(&fields, prefix, 0).into_iter().map(|choice| choice.text).collect::<Vec<_>>();
        assert_eq!(texts("Name"), ["name", "service.name", "host.name", "username"]);
        assert_eq!(texts("")[..2], ["service.name", "log.level"]);
        assert!(texts("zzz").is_empty());
    }

    #[test]
    fn running_text_has_the_values_of_the_whole_texts_beside_it() {
        let fields: ByName = [("a", "text"), ("a.keyword", "keyword"), ("b", "text"), ("t", "date")]
            .into_iter()
            .map(|(name, kind)| (name.to_owned(), Field::of(name, kind)))
            .collect();
        assert_eq!(valued(&fields, "a").map(|field| field.name).as_deref(), Some("a.keyword"));
        assert_eq!((valued(&fields, "b"), valued(&fields, "t"), valued(&fields, "none")), (None, None, None));
    }
}
