//! Kibana's saved boards → `_search` requests → rows.
//!
//! [`Boards::parse`] reads the NDJSON that Kibana imports. [`Panel::plan`] gives the requests of a panel, [`Round::receive`]
//! takes the answers, and in the end there are [`Figures`]: a [`Table`] for each layer of a chart, or [`Hits`]. The
//! [`Visualization`] says which column of which table is x, split or measure. Nothing here opens a socket or reads a clock.
//!
//! Supported are the operations date_histogram, terms, filters, range, count, sum, average, min, max, median, percentile,
//! percentile_rank, standard_deviation, unique_count, last_value, counter_rate, cumulative_sum, differences, formula and
//! static_value with their filters, time scales, time shifts and reduced time ranges; the visualizations XY, metric, pie, datatable,
//! heatmap and gauge; saved searches, Markdown and links; and what came before Lens, read as what Lens would write: classic
//! visualizations, TSVB, panels of controls. What a panel needs beyond that is named in [`Content::Unsupported`].

mod saved;

mod board;

mod control;

mod panel;

mod visualization;

mod layer;

mod format;

mod time;

mod context;

mod filter;

mod plan;

mod search;

mod answer;

mod hits;

mod table;

mod fault;

pub use board::{Board, Boards, DataView, SavedTime};
pub use context::Context;
pub use control::{Choice, Control};
pub use fault::{AnswerError, ParseError};
pub use filter::{Filter, Selection};
pub use format::{DataType, Decimals, Format, TimeUnit};
pub use hits::{HIGHLIGHT_END, HIGHLIGHT_START, Hit, Hits};
pub use panel::{Chart, Content, Grid, Link, LinkTarget, Panel, SavedSearch, SortOrder};
pub use plan::{Figures, Request, Round, Step};
pub use table::{Column, ColumnKind, Table, Value};
pub use time::interval::{Interval, IntervalRule, Unit};
pub use time::{Millis, TimeError, TimeRange, iso};
pub use visualization::{
    ColorMapping, Datatable, Extent, Gauge, Heatmap, Legend, Metric, Paging, Palette, PaletteParams, Pie,
    PieLayer, ReferenceLines, Series, SeriesType, Sorting, Stop, TableColumn, Visualization, Xy, XyLayer,
    YConfig,
};
