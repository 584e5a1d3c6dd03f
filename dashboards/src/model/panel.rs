//! One panel: what it shows of which documents.

use super::field::Field;
use super::measure::{Color, Measure};

/// Which value of a terms split comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// The one with the highest first measure that is an operation; alphabetical where all measures are formulas.
    Highest,
    /// The one with the lowest.
    Lowest,
}

/// A split by the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Name of the column or legend.
    pub label: &'static str,
    /// The field.
    pub field: Field,
    /// Most values shown.
    pub size: u8,
    /// Which of them.
    pub rank: Rank,
    /// Whether the rest is shown as one more value. Costs a second request.
    pub other: bool,
}

impl Terms {
    pub(super) const fn top(size: u8, label: &'static str, field: Field) -> Self {
        Self { label, field, size, rank: Rank::Highest, other: false }
    }

    pub(super) const fn and_other(self) -> Self {
        Self { other: true, ..self }
    }

    pub(super) const fn lowest(self) -> Self {
        Self { rank: Rank::Lowest, ..self }
    }
}

/// How series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Stacked bars.
    Bars,
    /// Lines.
    Line,
    /// Stacked areas.
    Area,
}

/// What a line does where a bucket has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// It breaks off.
    Shown,
    /// It goes straight on: for values that are only sampled now and then.
    Bridged,
}

/// A horizontal line to hold the series against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objective {
    /// Its name.
    pub label: &'static str,
    /// Its value, in the unit of the measures.
    pub value: &'static str,
}

/// The series of a chart.
#[derive(Debug, Clone, PartialEq)]
pub enum Series {
    /// One measure, a series for each value of a field.
    Split(Terms, Measure),
    /// One series for each measure.
    Each(Vec<Measure>),
}

impl Series {
    /// The measures.
    pub fn measures(&self) -> &[Measure] {
        match self {
            Self::Split(_, measure) => std::slice::from_ref(measure),
            Self::Each(measures) => measures,
        }
    }
}

/// Series over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Xy {
    /// How they are drawn.
    pub style: Style,
    /// What is drawn.
    pub series: Series,
    /// What to hold them against.
    pub objective: Option<Objective>,
    /// Where there is no value.
    pub gaps: Gaps,
}

/// Order of the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// Rows by terms, a column for each measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Row keys, outermost first.
    pub rows: Vec<Terms>,
    /// Columns, and the order in which each would be sorted; the first that has one is what the table opens with.
    pub columns: Vec<(Measure, Option<Sort>)>,
}

/// Shares of a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Pie {
    /// The slices.
    pub slices: Terms,
    /// Their size.
    pub measure: Measure,
}

/// A range of values, from `from` up to, but without, `to`; `None` has no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Its name.
    pub label: &'static str,
    /// First value.
    pub from: Option<u64>,
    /// First value above.
    pub to: Option<u64>,
}

/// How many values lie in which band, over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// Name of the bands.
    pub label: &'static str,
    /// The field that the bands divide.
    pub field: Field,
    /// The bands, lowest first.
    pub bands: Vec<Band>,
    /// What is shown for each cell.
    pub measure: Measure,
}

/// A list of documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Documents {
    /// Id of the saved search.
    pub id: &'static str,
    /// Columns.
    pub columns: Vec<Field>,
    /// Field that sorts the list, greatest first.
    pub sort: Field,
}

/// How a panel is drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawing {
    /// A single number over its course in time.
    Metric(Measure),
    /// A chart over time.
    Xy(Xy),
    /// A table.
    Table(Table),
    /// A pie.
    Pie(Pie),
    /// A heat map.
    Heatmap(Heatmap),
    /// A list of documents.
    Documents(Documents),
    /// Links to all boards; time range and filters go along.
    Links,
}

/// Whether controls, filters and query of the board apply to a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// They do.
    Board,
    /// They do not: it shows all of the log pipeline, whatever service is looked at.
    Everything,
}

/// A panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Id, unique on its board and stable: addresses of panels hold it.
    pub id: &'static str,
    /// Title, unit included.
    pub title: &'static str,
    /// KQL that all its documents match; empty for all.
    pub query: &'static str,
    /// What else filters it.
    pub scope: Scope,
    /// How it is drawn.
    pub drawing: Drawing,
}

impl Panel {
    pub(super) const fn new(
        id: &'static str,
        title: &'static str,
        query: &'static str,
        drawing: Drawing,
    ) -> Self {
        Self { id, title, query, scope: Scope::Board, drawing }
    }

    pub(super) fn everything(self) -> Self {
        Self { scope: Scope::Everything, ..self }
    }
}

impl Drawing {
    pub(super) fn split(style: Style, terms: Terms, measure: Measure) -> Self {
        Self::Xy(Xy { style, series: Series::Split(terms, measure), objective: None, gaps: Gaps::Shown })
    }

    pub(super) fn each(style: Style, measures: Vec<Measure>) -> Self {
        Self::Xy(Xy { style, series: Series::Each(measures), objective: None, gaps: Gaps::Shown })
    }

    /// Lines of a value that is sampled every ten seconds.
    pub(super) fn sampled(terms: Terms, measure: Measure) -> Self {
        let series = Series::Split(terms, measure);
        Self::Xy(Xy { style: Style::Line, series, objective: None, gaps: Gaps::Bridged })
    }

    pub(super) fn table(rows: Vec<Terms>, columns: Vec<(Measure, Option<Sort>)>) -> Self {
        Self::Table(Table { rows, columns })
    }
}

impl Color {
    /// Colour of an [`Objective`].
    pub const OBJECTIVE: Self = Self::Bad;
}
