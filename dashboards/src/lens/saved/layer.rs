//! Layers as saved: columns by id, which refer to each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::kql::Query;
use crate::lens::board::DataView;
use crate::lens::fault::Unsupported;
use crate::lens::filter::Filter;
use crate::lens::format::Format;
use crate::lens::layer::Layer;
use crate::lens::layer::column::{Bucket, Calculation, FieldFunction, Function, Grouping, Measure, Terms};
use crate::lens::saved::column::{Inherited, Referring, Unresolved, Written};

/// How many bucket columns may nest.
const BUCKETS_MAX: usize = 8;

/// A layer as saved.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenLayer {
    columns: Map<String, Json>,
    column_order: Vec<String>,
    #[serde(default)]
    ignore_global_filters: bool,
    sampling: Option<f64>,
}

impl Layer {
    pub(crate) fn read(
        id: &str,
        written: &Json,
        data_view: Arc<DataView>,
        query: Query,
        filters: Vec<Filter>,
    ) -> Result<Self, Unsupported> {
        let layer = WrittenLayer::deserialize(written)
            .map_err(|error| Unsupported::new(format!("the layer `{id}`: {error}")))?;
        if layer.sampling.is_some_and(|sampling| sampling < 1.0) {
            return Err(Unsupported::new("a layer that samples its documents"));
        }
        let field_format = |field: &str| data_view.formats.get(field).cloned();
        let Columns { buckets, mut measures, ordered_by } = columns(&layer, &field_format)?;
        let shown = measures.len();
        measures.extend(ordered_by);
        let mut measures = resolve(measures)?;
        measures[shown..].iter_mut().for_each(|measure| measure.hidden = true);
        let read = Self {
            id: id.to_owned(),
            buckets,
            measures,
            last_bucket: false,
            largest_first: false,
            collapsed: Vec::new(),
            ignores_board: layer.ignore_global_filters,
            query,
            filters,
            data_view,
        };
        read.check_orders()?;
        read.check_series().map(|()| read)
    }

    /// Values can be ordered by a number the engine computes, and by no other.
    fn check_orders(&self) -> Result<(), Unsupported> {
        for bucket in &self.buckets {
            let Grouping::Terms(Terms { order_by: Some(id), .. }) = &bucket.grouping else { continue };
            let ordered = self.metric_of(id).is_some_and(|(_, metric)| {
                metric.shift.is_none()
                    && !matches!(metric.function, Function::Of(_, FieldFunction::LastValue { .. }))
            });
            if !ordered {
                return Err(Unsupported::new(format!(
                    "values ordered by the column `{id}`, which is no metric to order by"
                )));
            }
        }
        Ok(())
    }
}

impl Layer {
    /// What goes along the time needs time buckets.
    fn check_series(&self) -> Result<(), Unsupported> {
        let has_time = self.buckets.iter().any(|bucket| matches!(bucket.grouping, Grouping::Time { .. }));
        let series = |measure: &&Measure| matches!(measure.calculation, Calculation::Series(..));
        match self.measures.iter().find(series) {
            Some(measure) if !has_time => Err(Unsupported::new(format!(
                "the column `{}`, which goes along the time, without a date histogram",
                measure.head.label
            ))),
            _ => Ok(()),
        }
    }
}

struct Columns {
    buckets: Vec<Bucket>,
    measures: Vec<Unresolved>,
    /// Numbers that only order values.
    ordered_by: Vec<Unresolved>,
}

fn columns(
    layer: &WrittenLayer,
    field_format: &impl Fn(&str) -> Option<Format>,
) -> Result<Columns, Unsupported> {
    let (mut buckets, mut measures, mut ordered_by) = (Vec::new(), Vec::new(), Vec::new());
    for (position, id) in layer.column_order.iter().enumerate() {
        let written = layer
            .columns
            .get(id)
            .ok_or_else(|| Unsupported::new(format!("the column `{id}`, which the file lacks")))?;
        let written = Written::deserialize(written)
            .map_err(|error| Unsupported::new(format!("the column `{id}`: {error}")))?;
        match written.is_bucketed {
            true => {
                if let Some((id, ordering)) = written.ordering(id)? {
                    let place = layer.column_order.len() + position;
                    ordered_by.push(ordering.measure(&id, place, field_format)?);
                }
                buckets.push(written.bucket(id, position, field_format)?);
            }
            false => measures.push(written.measure(id, position, field_format)?),
        }
    }
    match buckets.len() {
        ..=BUCKETS_MAX => Ok(Columns { buckets, measures, ordered_by }),
        count => Err(Unsupported::new(format!("{count} bucket columns in one layer"))),
    }
}

/// Turns references by id into references by index and hands filters of formulas down.
fn resolve(mut written: Vec<Unresolved>) -> Result<Vec<Measure>, Unsupported> {
    let index: BTreeMap<String, usize> =
        written.iter().enumerate().map(|(at, measure)| (measure.head.id.clone(), at)).collect();
    let find = |id: &str| {
        index
            .get(id)
            .copied()
            .ok_or_else(|| Unsupported::new(format!("the part `{id}` of a formula, which the file lacks")))
    };
    let hidden = hidden(&written, &find)?;
    for at in 0..written.len() {
        if let Referring::Formula { of, inherited } = &written[at].calculation {
            let (of, inherited) = (find(of)?, inherited.clone());
            hand_down(&mut written, of, &inherited, &find)?;
        }
    }
    let resolved = written.into_iter().enumerate().map(|(at, measure)| {
        let calculation = match measure.calculation {
            Referring::Metric(metric) => Calculation::Metric(metric),
            Referring::Static(value) => Calculation::Static(value),
            Referring::Math(tree) => Calculation::Math(tree.resolve(&find)?),
            Referring::Series(along, of) => Calculation::Series(along, find(&of)?),
            Referring::Formula { of, .. } => Calculation::Formula(find(&of)?),
        };
        Ok(Measure {
            head: measure.head,
            calculation,
            time_scale: measure.time_scale,
            hidden: hidden.contains(&at),
        })
    });
    resolved.collect()
}

/// Measures that are parts of formulas. A circle among them is refused.
fn hidden(
    written: &[Unresolved],
    find: &impl Fn(&str) -> Result<usize, Unsupported>,
) -> Result<Vec<usize>, Unsupported> {
    let mut hidden = Vec::new();
    for (at, measure) in written.iter().enumerate() {
        let parts = parts(measure, find)?;
        // Kibana writes the parts of a formula in the order in which they are computed, so no circle has that order. A metric
        // needs nothing, and what goes along the time may stand before its own.
        let is_ready = |part: usize| match measure.calculation {
            Referring::Series(..) => part < at || matches!(written[part].calculation, Referring::Metric(_)),
            _ => part < at,
        };
        let is_formula = matches!(measure.calculation, Referring::Formula { .. });
        if !is_formula && parts.iter().any(|part| !is_ready(*part)) {
            return Err(Unsupported::new(format!(
                "the formula part `{}`, which stands before its own parts",
                measure.head.id
            )));
        }
        if parts.iter().any(|part| matches!(written[*part].calculation, Referring::Formula { .. })) {
            return Err(Unsupported::new(format!("the formula `{}` made of formulas", measure.head.id)));
        }
        hidden.extend(parts);
    }
    Ok(hidden)
}

fn parts(
    measure: &Unresolved,
    find: &impl Fn(&str) -> Result<usize, Unsupported>,
) -> Result<Vec<usize>, Unsupported> {
    match &measure.calculation {
        Referring::Formula { of, .. } | Referring::Series(_, of) => Ok(vec![find(of)?]),
        Referring::Math(tree) => tree.measures().iter().map(|id| find(id)).collect(),
        Referring::Metric(_) | Referring::Static(_) => Ok(Vec::new()),
    }
}

/// Gives the metrics that the measure at `at` is computed from what they lack.
fn hand_down(
    written: &mut [Unresolved],
    at: usize,
    inherited: &Inherited,
    find: &impl Fn(&str) -> Result<usize, Unsupported>,
) -> Result<(), Unsupported> {
    let mut reached = vec![at];
    let mut next = 0;
    while let Some(part) = reached.get(next).copied() {
        next += 1;
        let more = parts(&written[part], find)?;
        reached.extend(more.into_iter().filter(|part| !reached.contains(part)).collect::<Vec<_>>());
        if let Referring::Metric(metric) = &mut written[part].calculation {
            metric.inherit(inherited);
        }
    }
    Ok(())
}
