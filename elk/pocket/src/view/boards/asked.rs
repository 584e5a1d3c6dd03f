//! What the reader of a board has set, as the browser sends it.

use crate::view::fault::Fault;
use dashboards::kql::Query;
use dashboards::lens::{Board, Context, Filter, Selection, TimeRange};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Longest text of a query or filter, in bytes.
const TEXT_MAX: usize = 4096;
/// Most filters, and most values of a control.
const COUNT_MAX: usize = 64;

/// Everything the address of a board holds that decides what its panels show. What is not named is as the board is saved.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    /// KQL; `None`: that of the board.
    q: Option<String>,
    /// `now-15m`, or a moment.
    from: Option<String>,
    /// `now`, or a moment.
    to: Option<String>,
    /// KQL clauses that all have to hold.
    filters: Vec<String>,
    /// Chosen values, by the id of the control.
    controls: BTreeMap<String, Vec<Json>>,
    /// Where days begin, e.g. `Europe/Berlin`.
    zone: Option<String>,
}

impl Asked {
    /// Reads the JSON that a browser sends.
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text)
            .map_err(|error| Fault::Parameter(format!("`asked` cannot be read: {error}")))
    }

    /// The context of the board's panels.
    pub(super) fn context(&self, board: &Board, now: i64) -> Result<Context, Fault> {
        let mut context = board.context(now);
        if self.from.is_some() || self.to.is_some() {
            let saved = board.time.as_ref();
            let from = self.from.as_deref().or(saved.map(|time| time.from.as_str()));
            let to = self.to.as_deref().or(saved.map(|time| time.to.as_str()));
            context.range = TimeRange::parse(from.unwrap_or("now-15m"), to.unwrap_or("now"), now)?;
        }
        if let Some(text) = &self.q {
            context.query = Query::parse(short(text)?).map_err(|error| Fault::Query(text.clone(), error))?;
        }
        if let Some(zone) = &self.zone {
            context.time_zone.clone_from(zone);
        }
        few(self.filters.len(), "filters")?;
        for text in &self.filters {
            let query = Query::parse(short(text)?)
                .map_err(|error| Fault::Parameter(format!("the filter `{text}` cannot be read: {error}")))?;
            context.filters.push(Filter::plain(query.to_dsl()));
        }
        for control in &board.controls {
            let Some(values) = self.controls.get(&control.id) else { continue };
            few(values.len(), "values in a control")?;
            context.selections.retain(|selection| selection.field != control.field);
            let field = control.field.clone();
            context.selections.push(Selection { field, values: values.clone(), exclude: false });
        }
        Ok(context)
    }
}

fn short(text: &str) -> Result<&str, Fault> {
    match text.len() {
        ..=TEXT_MAX => Ok(text),
        length => Err(Fault::Parameter(format!(
            "a query is {length} bytes long, of {TEXT_MAX} at most; make it shorter"
        ))),
    }
}

fn few(count: usize, what: &str) -> Result<(), Fault> {
    match count {
        ..=COUNT_MAX => Ok(()),
        _ => {
            Err(Fault::Parameter(format!("there are {count} {what}, of {COUNT_MAX} at most; take some away")))
        }
    }
}
