//! A panel: its place, what it shows, what it asks.

use std::sync::Arc;

use super::board::{DataView, SavedTime};
use super::context::Context;
use super::filter::Filter;
use super::layer::Layer;
use super::plan::{Figures, Step};
use super::visualization::Visualization;
use crate::kql::Query;

/// A panel of a board.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Id within its board.
    pub id: String,
    /// Title; may be empty.
    pub title: String,
    /// Description; may be empty.
    pub description: String,
    /// Whether the title is shown.
    pub title_shown: bool,
    /// Place.
    pub grid: Grid,
    /// A time range of its own, instead of the board's.
    pub time: Option<SavedTime>,
    /// What it shows.
    pub content: Content,
}

/// Place on a grid of 48 columns; a row is about 20 pixels high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Grid {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// What a panel shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A picture of aggregated data.
    Chart(Chart),
    /// Documents.
    Documents(SavedSearch),
    /// Text in Markdown.
    Markdown(String),
    /// Ways to other boards and pages.
    Links(Vec<Link>),
    /// What cannot be shown here.
    Unsupported {
        /// Why: names the part that is not supported.
        reason: String,
    },
}

/// A picture of aggregated data.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// How the tables are drawn.
    pub visualization: Arc<Visualization>,
    pub(crate) layers: Vec<Arc<Layer>>,
}

/// A list of documents.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedSearch {
    /// Fields shown, in this order; none: the whole document.
    pub columns: Vec<String>,
    /// Fields and whether they ascend; none: newest first.
    pub sort: Vec<(String, SortOrder)>,
    /// Most documents asked for.
    pub size: u32,
    /// Where they are.
    pub data_view: Arc<DataView>,
    pub(crate) query: Query,
    pub(crate) filters: Vec<Filter>,
}

/// Direction of a sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SortOrder {
    Ascending,
    Descending,
}

/// A way to another board or page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What people read; may be empty: then the title of the target.
    pub label: String,
    /// Where it goes.
    pub target: LinkTarget,
    /// Whether it opens in a new tab.
    pub new_tab: bool,
}

/// Where a link goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkTarget {
    /// A board.
    Board {
        /// Its id.
        id: String,
        /// Whether filters, query and choices go along.
        keeps_filters: bool,
        /// Whether the time range goes along.
        keeps_time: bool,
    },
    /// An address, as written: check its scheme before showing it.
    Url(String),
}

impl Panel {
    /// What to ask for this panel, and what follows from the answers.
    ///
    /// Text, links and what is unsupported ask nothing and are done at once.
    pub fn plan(&self, context: &Context) -> Step {
        let own = self.time.as_ref().and_then(|time| time.resolve(context.now).ok());
        let context = Context { range: own.unwrap_or(context.range), ..context.clone() };
        match &self.content {
            Content::Chart(chart) => chart.plan(&context),
            Content::Documents(search) => search.plan(&context),
            Content::Markdown(_) | Content::Links(_) | Content::Unsupported { .. } => {
                Step::Done(Figures::Nothing)
            }
        }
    }
}
