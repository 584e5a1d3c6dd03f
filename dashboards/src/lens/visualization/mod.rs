//! How the tables of a panel are drawn: which column is what.
//!
//! Ids in here name columns of the [`Table`](super::Table) whose `layer` is the one named beside them; each of them exists.

mod xy;

mod metric;

mod gauge;

mod pie;

mod datatable;

mod tagcloud;

mod heatmap;

mod legend;

mod color;

pub(crate) mod collapse;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::lens::fault::Unsupported;
use crate::lens::visualization::tagcloud::TagCloud;

pub use color::{ColorMapping, Palette, PaletteParams, Stop};
pub use datatable::{Datatable, Paging, Sorting, TableColumn};
pub use gauge::Gauge;
pub use heatmap::Heatmap;
pub use legend::Legend;
pub use metric::Metric;
pub use pie::{Pie, PieLayer};
pub(crate) use xy::ANNOTATIONS;
pub use xy::{Extent, ReferenceLines, Series, SeriesType, Xy, XyLayer, YConfig};

/// The kind of picture.
#[derive(Debug, Clone, PartialEq)]
pub enum Visualization {
    /// Lines, bars, areas over an axis.
    Xy(Xy),
    /// Single numbers.
    Metric(Metric),
    /// Shares of a whole.
    Pie(Pie),
    /// Rows and columns.
    Datatable(Datatable),
    /// Cells coloured by a number.
    Heatmap(Heatmap),
    /// A number between limits.
    Gauge(Gauge),
}

impl Visualization {
    /// Reads `state.visualization` of a Lens panel.
    pub(crate) fn read(kind: &str, state: &Json) -> Result<Self, Unsupported> {
        let fault =
            |error: serde_json::Error| Unsupported::new(format!("the visualization `{kind}`: {error}"));
        Ok(match kind {
            "lnsXY" => Self::Xy(Xy::read(state).map_err(fault)?),
            "lnsMetric" => Self::Metric(Metric::deserialize(state).map_err(fault)?),
            "lnsPie" => Self::Pie(Pie::deserialize(state).map_err(fault)?),
            "lnsLegacyMetric" => Self::Metric(Metric::read_legacy(state).map_err(fault)?),
            "lnsTagcloud" => Self::Datatable(TagCloud::deserialize(state).map_err(fault)?.into()),
            "lnsDatatable" => Self::Datatable(Datatable::deserialize(state).map_err(fault)?),
            "lnsHeatmap" => Self::Heatmap(Heatmap::deserialize(state).map_err(fault)?),
            "lnsGauge" => Self::Gauge(Gauge::deserialize(state).map_err(fault)?),
            other => return Err(Unsupported::new(format!("the visualization `{other}`"))),
        })
    }

    /// Every column it names, with the layer.
    pub(crate) fn accessors(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Xy(xy) => xy.layers.iter().flat_map(XyLayer::accessors).collect(),
            Self::Metric(metric) => metric.accessors(),
            Self::Pie(pie) => pie.layers.iter().flat_map(PieLayer::accessors).collect(),
            Self::Datatable(table) => table.accessors(),
            Self::Heatmap(map) => map.accessors(),
            Self::Gauge(gauge) => gauge.accessors(),
        }
    }
}

fn under<'v>(
    layer: &'v str,
    columns: impl IntoIterator<Item = Option<&'v String>>,
) -> Vec<(&'v str, &'v str)> {
    columns.into_iter().flatten().map(|column| (layer, column.as_str())).collect()
}
