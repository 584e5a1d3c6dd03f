//! The boards, described: what is asked of which fields, and how it is drawn.
//!
//! Nothing in here knows a file format. A [`Board`] is rows of [`Panel`]s; a panel draws [`Measure`]s, split by
//! [`Terms`]; a measure is one [`Operation`] on a [`Field`] or a [`Formula`] over several. What the writers and readers
//! of the boards have to support is just what these types can say.

mod field;

mod formula;

mod measure;

mod panel;

mod board;

mod boards;

pub use board::{Board, Cell, DATA_VIEW, DataView, GRID_COLUMNS, Row};
pub use boards::boards;
pub use field::{Field, Unit, ValueType};
pub use formula::{Arithmetic, Expression, Formula, FormulaError, Sign};
pub use measure::{Color, Format, Function, Measure, Operation, Per, Thresholds, Value};
pub use panel::{
    Band, Documents, Drawing, Gaps, Heatmap, Objective, Panel, Pie, Rank, Scope, Series, Sort, Style, Table,
    Terms, Xy,
};
