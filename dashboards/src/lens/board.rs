//! Boards as Kibana saves them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::Context;
use super::control::Control;
use super::fault::ParseError;
use super::filter::Filter;
use super::format::Format;
use super::panel::Panel;
use super::saved;
use super::time::{Millis, TimeError, TimeRange};
use crate::kql::Query;

/// All boards of one or several files.
#[derive(Debug, Clone, PartialEq)]
pub struct Boards {
    /// Data views, in the order of their ids.
    pub data_views: Vec<Arc<DataView>>,
    /// Boards, in the order of the file.
    pub boards: Vec<Board>,
}

/// A data view: which indices, which time.
#[derive(Debug, Clone, PartialEq)]
pub struct DataView {
    /// Id.
    pub id: String,
    /// What people read.
    pub name: String,
    /// Index expression.
    pub title: String,
    /// Field that holds the time; `None`: time does not narrow what is found.
    pub time_field: Option<String>,
    /// How fields are to be written, where that is said.
    pub formats: BTreeMap<String, Format>,
}

/// A board.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// Id; Kibana's URL holds it.
    pub id: String,
    /// Title.
    pub title: String,
    /// Description; may be empty.
    pub description: String,
    /// The time it opens with, if it brings one.
    pub time: Option<SavedTime>,
    /// How often it refreshes when it opens, if it does.
    pub refresh_ms: Option<u64>,
    /// The query it opens with.
    pub query: Query,
    /// The filters it opens with.
    pub filters: Vec<Filter>,
    /// Controls, in the order shown.
    pub controls: Vec<Control>,
    /// Panels, in the order of the file.
    pub panels: Vec<Panel>,
    /// What of the board itself cannot be shown (a filter, a query); panels say their own.
    pub omitted: Vec<String>,
}

/// A time range as written: `now-15m` to `now`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedTime {
    /// First end.
    pub from: String,
    /// Last end.
    pub to: String,
}

impl Boards {
    /// Reads saved objects, one JSON object a line; several files may be put behind each other.
    ///
    /// Of two objects with the same type and id the later one counts. Lines of other types are left out. A panel that uses
    /// what is not supported becomes [`Content::Unsupported`](super::Content::Unsupported) and leaves the others alone.
    /// The error names the first line that is no saved object.
    pub fn parse(ndjson: &str) -> Result<Self, ParseError> {
        saved::Objects::read(ndjson).map(|objects| objects.boards())
    }
}

impl SavedTime {
    /// The range as of `now`.
    pub fn resolve(&self, now: Millis) -> Result<TimeRange, TimeError> {
        TimeRange::parse(&self.from, &self.to, now)
    }
}

impl Board {
    /// The context the board opens with: its query, filters and chosen values, its time (else the last 15 minutes), UTC.
    pub fn context(&self, now: Millis) -> Context {
        let saved = self.time.as_ref().and_then(|time| time.resolve(now).ok());
        let range = saved.unwrap_or_else(|| TimeRange::between(now.saturating_sub(15 * 60_000), now));
        Context {
            query: self.query.clone(),
            filters: self.filters.clone(),
            selections: self.controls.iter().map(|control| control.selection.clone()).collect(),
            ..Context::new(range, now)
        }
    }
}
