//! Columns whose values are not told apart: one number is made of theirs.

use serde_json::Value as Json;

use crate::lens::fault::Unsupported;

/// How one number is made of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collapse {
    Sum,
    Average,
    Min,
    Max,
}

/// A collapsed column.
pub(crate) struct Collapsed {
    pub(crate) layer: String,
    pub(crate) column: String,
    pub(crate) function: Collapse,
}

/// Takes the collapsed columns out of `state.visualization`, which then shows none of them.
pub(crate) fn take(state: &mut Json) -> Result<Vec<Collapsed>, Unsupported> {
    let mut all = Vec::new();
    let layer = state["layerId"].clone();
    // A metric, with its trend line.
    let trend = state["trendlineLayerId"].clone();
    for (layer, key) in [(&layer, "breakdownByAccessor"), (&trend, "trendlineBreakdownByAccessor")] {
        let function = state["collapseFn"].clone();
        all.extend(taken(state, key, layer, &function)?);
    }
    for part in state.get_mut("layers").and_then(Json::as_array_mut).into_iter().flatten() {
        let (layer, function) = (part["layerId"].clone(), part["collapseFn"].clone());
        all.extend(taken(part, "splitAccessor", &layer, &function)?);
        // A pie says it for each ring.
        for (column, function) in part["collapseFns"].as_object().cloned().unwrap_or_default() {
            all.extend(collapsed(&layer, &Json::from(column), &function)?);
        }
        if let Some(groups) = part.get_mut("primaryGroups").and_then(Json::as_array_mut) {
            groups.retain(|group| all.iter().all(|collapsed| *group != collapsed.column.as_str()));
        }
    }
    let columns = state.get_mut("columns").and_then(Json::as_array_mut);
    for column in columns.iter().flat_map(|columns| columns.iter()) {
        all.extend(collapsed(&layer, &column["columnId"], &column["collapseFn"])?);
    }
    if let Some(columns) = columns {
        columns.retain(|column| column["collapseFn"].as_str().unwrap_or_default().is_empty());
    }
    Ok(all)
}

/// The column under `key` of `part`, taken away, if there is a function for it.
fn taken(
    part: &mut Json,
    key: &str,
    layer: &Json,
    function: &Json,
) -> Result<Option<Collapsed>, Unsupported> {
    let found = collapsed(layer, &part[key], function)?;
    if let (Some(_), Some(part)) = (&found, part.as_object_mut()) {
        part.remove(key);
    }
    Ok(found)
}

fn collapsed(layer: &Json, column: &Json, function: &Json) -> Result<Option<Collapsed>, Unsupported> {
    let function = match function.as_str().unwrap_or_default() {
        "" => return Ok(None),
        "sum" => Collapse::Sum,
        "avg" => Collapse::Average,
        "min" => Collapse::Min,
        "max" => Collapse::Max,
        other => return Err(Unsupported::new(format!("values collapsed by `{other}`"))),
    };
    let text = |json: &Json| json.as_str().map(str::to_owned);
    Ok(text(layer).zip(text(column)).map(|(layer, column)| Collapsed { layer, column, function }))
}

impl Collapse {
    /// `None` of nothing.
    pub(crate) fn of(self, numbers: &[f64]) -> Option<f64> {
        let count = numbers.len();
        let all = || numbers.iter().copied();
        (count > 0).then(|| match self {
            Self::Sum => all().sum(),
            #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^53")]
            Self::Average => all().sum::<f64>() / count as f64,
            Self::Min => all().fold(f64::INFINITY, f64::min),
            Self::Max => all().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}
